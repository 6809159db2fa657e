from __future__ import annotations

import pytest

from tinyvae.losscheck import names
from tinyvae.losscheck.names import role_of


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("recon_x", ("recon", "")),
        ("x_hat", ("recon", "")),
        ("y_pred", ("recon", "")),
        ("x_logit", ("recon", "logits")),
        ("probs", ("recon", "probability")),
        ("z_mean", ("mu", "")),
        ("Mu", ("mu", "")),
        ("logVar", ("scale", "logvar")),
        ("z_log_var", ("scale", "logvar")),
        ("log_sigma_sq", ("scale", "logvar")),
        ("z_log_sigma", ("scale", "log_sigma")),
        ("std", ("scale", "sigma")),
        ("encoder_std", ("scale", "sigma")),
        ("var", ("scale", "variance")),
        ("log_sigma_x", ("x_scale", "log_sigma")),
        ("x_logvar", ("x_scale", "logvar")),
        ("logvar_p", ("prior", "logvar")),
        ("kld_weight", ("weight", "")),
        ("lambda_", ("weight", "")),
        ("original_dim", ("input_dim", "")),
        ("key", ("rng", "")),
        ("foo", None),
    ],
)
def test_names_people_use(name, role):
    assert role_of(name) == role


def test_every_known_word_is_one_that_a_name_can_become():
    kinds = [
        *names._PLAIN.values(),
        *names._NUMBERS.values(),
        *map(str.split, names._SCALES.values()),
    ]
    known = [word for kind in kinds for word in kind]
    assert len(known) > 200
    assert [word for word in known if names.normalize(word) != word] == []
