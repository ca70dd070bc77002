//! Checks of what a repository makes a loader run, and of files that are not what they are called.

use crate::Entry;

mod automatic;
mod compiled_python;
mod dataset_script;
mod executable_as_model;
mod executable_inside;
mod hub_entry;
mod misleading_name;
mod model_code;
mod native;
mod other_repository;
mod package_source;
mod serving_handler;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<misleading_name::MisleadingName>(),
    Entry::of::<executable_as_model::ExecutableAsModel>(),
    Entry::of::<executable_inside::ExecutableInside>(),
    Entry::of::<automatic::Automatic>(),
    Entry::of::<other_repository::OtherRepository>(),
    Entry::of::<hub_entry::HubEntry>(),
    Entry::of::<dataset_script::DatasetScript>(),
    Entry::of::<serving_handler::ServingHandler>(),
    Entry::of::<native::Native>(),
    Entry::of::<package_source::PackageSource>(),
    Entry::of::<model_code::ModelCode>(),
    Entry::of::<compiled_python::CompiledPython>(),
];

/// Extensions under which weights and models are offered, in lower case.
const MODELS: &[&str] = &[
    "bin",
    "caffemodel",
    "cbm",
    "ckpt",
    "dat",
    "data",
    "dill",
    "engine",
    "ggml",
    "gguf",
    "h5",
    "hdf5",
    "index",
    "joblib",
    "keras",
    "llamafile",
    "mar",
    "mlmodel",
    "model",
    "msgpack",
    "nemo",
    "npy",
    "npz",
    "onnx",
    "params",
    "pb",
    "pdiparams",
    "pdmodel",
    "pdparams",
    "pkl",
    "pickle",
    "plan",
    "pt",
    "pt2",
    "pte",
    "pth",
    "ptl",
    "rds",
    "safetensors",
    "skops",
    "tflite",
    "ubj",
    "weights",
];

/// Extensions of programs and libraries that the operating system loads.
const LIBRARIES: &[&str] = &["a", "dll", "dylib", "lib", "node", "o", "pyd", "so"];
