"""A museum of wrong losses, samplers and KLs: our own code, after mistakes met in public code."""

from wrong import kls, losses, samplers

LOSSES, SAMPLERS, KLS = losses.EXHIBITS, samplers.EXHIBITS, kls.EXHIBITS
