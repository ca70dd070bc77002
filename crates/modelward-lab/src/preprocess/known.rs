//! The means and deviations that pipelines are known to use, for data in [0, 1].

/// A mean and a deviation: one number each, or one for each channel.
pub(super) type Pair = (&'static str, &'static str);

/// Whatever the data are, for any number of channels: [-1, 1], as `torchvision`'s and TensorFlow's
/// Inception models are fed.
pub(super) const ANY: &[Pair] = &[("0.5", "0.5")];

/// Whatever the data are, for three channels.
pub(super) const COLOUR: &[Pair] = &[
    // ImageNet: `torchvision.transforms`, the documentation of pre-trained models.
    ("0.485:0.456:0.406", "0.229:0.224:0.225"),
    // ImageNet's means with one deviation: the CIFAR-10 networks of Wong and Kolter (2018),
    // `convex_adversarial`, and of OVAL.
    ("0.485:0.456:0.406", "0.225"),
    // CLIP: `openai/CLIP`, `clip.py`.
    ("0.48145466:0.4578275:0.40821073", "0.26862954:0.26130258:0.27577711"),
];

/// Of data sets with one channel.
pub(super) const GREY_SETS: &[Pair] = &[
    // MNIST: examples of PyTorch, `mnist/main.py`.
    ("0.1307", "0.3081"),
    // Fashion-MNIST: mean and deviation of its training set.
    ("0.2860", "0.3530"),
];

/// Of data sets with three channels.
pub(super) const COLOUR_SETS: &[Pair] = &[
    // CIFAR-10: `kuangliu/pytorch-cifar`, whose deviations are means of the images' own.
    ("0.4914:0.4822:0.4465", "0.2023:0.1994:0.201"),
    // CIFAR-10: mean and deviation of its training set.
    ("0.4914:0.4822:0.4465", "0.247:0.2435:0.2616"),
    // CIFAR-100: mean and deviation of its training set, `weiaicunzai/pytorch-cifar100`.
    ("0.5071:0.4865:0.4409", "0.2673:0.2564:0.2762"),
    // SVHN: mean and deviation of its training set.
    ("0.4377:0.4438:0.4728", "0.198:0.201:0.197"),
    // GTSRB: mean and deviation of its training set.
    ("0.3403:0.3121:0.3214", "0.2724:0.2608:0.2669"),
];
