"""A whole variational autoencoder on one page: data, forward, backward, Adam, samples.

    python vae_in_one_page.py              # about a minute; prints the digits it dreams
    python vae_in_one_page.py FOLDER       # with MNIST's four files of your own

It needs NumPy alone, and the bundled digits of an installed tinyvae if no folder is named.
Read from top to bottom.  Every array has one example a row; numbers in brackets are equations of
the tutorials, where each line is derived.
"""

import gzip
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np

INPUT, HIDDEN, LATENT = 784, 400, 20
EPOCHS, BATCH, RATE = 80, 128, 2e-3
BOUND = 10.0  # of logvar, so that exp(logvar) never overflows


# --- Data: 28 x 28 grey levels, 0 to 255 -----------------------------------------------------
def read_images(folder, name):
    raw = gzip.decompress((folder / name).read_bytes())
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, INPUT)  # 16 bytes say how many


# --- Model: p(x|z) = Bernoulli(sigmoid(logits)), q(z|x) = N(mu, diag(exp(logvar))) -----------
def make_weights(rng, dtype=np.float32):
    """Glorot's uniform weights (2.22), in a dictionary; biases start at zero."""
    weights = {}
    for name, rows, columns in (
        ("encoder.0", INPUT, HIDDEN),  # x -> hidden
        ("encoder.1", HIDDEN, 2 * LATENT),  # hidden -> mu and raw_logvar, side by side
        ("decoder.0", LATENT, HIDDEN),  # z -> hidden
        ("decoder.1", HIDDEN, INPUT),  # hidden -> logits
    ):
        bound = np.sqrt(6 / (rows + columns))
        weights[f"{name}.weight"] = rng.uniform(-bound, bound, (rows, columns)).astype(dtype)
        weights[f"{name}.bias"] = np.zeros(columns, dtype)
    return weights


def dense(weights, name, x):
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def encode(weights, x):
    h = np.maximum(dense(weights, "encoder.0", x), 0)  # relu
    out = dense(weights, "encoder.1", h)
    mu, raw_logvar = out[:, :LATENT], out[:, LATENT:]
    return h, mu, BOUND * np.tanh(raw_logvar / BOUND)  # (4.19)


def decode(weights, z):
    h = np.maximum(dense(weights, "decoder.0", z), 0)
    return h, dense(weights, "decoder.1", h)


def sigmoid(a):
    e = np.exp(-np.abs(a))  # never overflows
    return np.where(a >= 0, 1, e) / (1 + e)


# --- Loss = -ELBO, in nats per example, and every gradient by hand ---------------------------
def loss_and_gradients(weights, x, noise):
    n = len(x)
    # forward
    h_encoder, mu, logvar = encode(weights, x)
    std = np.exp(logvar / 2)
    z = mu + std * noise  # (4.2): the randomness is an input
    h_decoder, logits = decode(weights, z)
    # -log p(x|z) = sum over pixels of log(1 + exp(logits)) - x * logits (6.4)
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    reconstruction = (softplus - x * logits).sum(axis=1).mean()
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar).sum(axis=1).mean()  # (5.2)

    # backward: d... is the gradient of the loss, a mean over the batch
    gradients = {}

    def dense_backward(name, x, da):  # (2.9) to (2.11)
        gradients[f"{name}.weight"] = x.T @ da
        gradients[f"{name}.bias"] = da.sum(axis=0)
        return da @ weights[f"{name}.weight"].T

    dlogits = (sigmoid(logits) - x) / n  # (6.5)
    dh = dense_backward("decoder.1", h_decoder, dlogits) * (h_decoder > 0)
    dz = dense_backward("decoder.0", z, dh)
    dmu = dz + mu / n  # through z (4.7), and from the KL (5.7)
    dlogvar = dz * noise * std / 2 + np.expm1(logvar) / 2 / n
    draw_logvar = dlogvar * (1 - (logvar / BOUND) ** 2)  # (4.20)
    dh = dense_backward("encoder.1", h_encoder, np.hstack([dmu, draw_logvar])) * (h_encoder > 0)
    dense_backward("encoder.0", x, dh)
    return reconstruction + kl, gradients


# --- Adam (7.12) -----------------------------------------------------------------------------
class Adam:
    def __init__(self, weights):
        self.m = {name: np.zeros_like(w) for name, w in weights.items()}
        self.v = {name: np.zeros_like(w) for name, w in weights.items()}
        self.t = 0

    def step(self, weights, gradients, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.t += 1
        for name, g in gradients.items():
            m, v = self.m[name], self.v[name]
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g * g - v)
            m_hat, v_hat = m / (1 - beta1**self.t), v / (1 - beta2**self.t)
            weights[name] -= rate * m_hat / (np.sqrt(v_hat) + epsilon)


# --- Training: each pixel is drawn as 0 or 1 anew, with its grey level as the probability ----
def binarize(rng, images):
    return (255 * rng.random(images.shape, np.float32) < images).astype(np.float32)


def train(weights, images, test, rng):
    adam, steps = Adam(weights), EPOCHS * (len(images) // BATCH)
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        for batch in order[: len(images) // BATCH * BATCH].reshape(-1, BATCH):
            noise = rng.standard_normal((BATCH, LATENT), np.float32)
            _, gradients = loss_and_gradients(weights, binarize(rng, images[batch]), noise)
            rate = RATE * (1 + np.cos(np.pi * adam.t / steps)) / 2  # falls to zero (7.20)
            adam.step(weights, gradients, rate)
        if (epoch + 1) % 10 == 0:
            noise = rng.standard_normal((len(test), LATENT), np.float32)
            loss, _ = loss_and_gradients(weights, binarize(rng, test), noise)
            print(f"epoch {epoch + 1:3d}   test ELBO {-loss:8.2f} nats", flush=True)


def print_samples(weights, rng, across=4, down=2):
    """Draw z from the prior and print E[x|z], two pixels high and one wide a character."""
    z = rng.standard_normal((across * down, LATENT), np.float32)
    images = sigmoid(decode(weights, z)[1]).reshape(down, across, 14, 2, 28).mean(axis=3)
    for line in images.transpose(0, 2, 1, 3).reshape(down * 14, across * 28):
        print("".join(" .:-=+*#%@"[int(9.99 * grey)] for grey in line).rstrip())


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else files("tinyvae") / "data" / "digits"
    rng = np.random.default_rng(0)
    weights = make_weights(rng)
    train_images = read_images(folder, "train-images-idx3-ubyte.gz")
    train(weights, train_images, read_images(folder, "t10k-images-idx3-ubyte.gz"), rng)
    print_samples(weights, rng)
