//! Samples in an npz: inputs `x` of shape `[n, ...]`, labels `y` of shape `[n]`.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::path::Path;

use modelward_engine::{
    Data, Element, Result, Tensor,
    npz::{self, Arrays},
};

use super::set::{Options, Samples, wrong};

pub(super) fn read(path: &Path, options: &Options) -> Result<Samples> {
    let arrays = npz::read_file(path, &options.limits)?;
    let x = arrays.get("x").or_else(|| arrays.get("X")).ok_or_else(|| {
        wrong(format!("expected an array `x`, got {}", names(&arrays)))
            .help("save inputs and labels together: `numpy.savez(path, x=x, y=y)`")
    })?;
    let Some((&count, shape)) = x.dims().split_first().filter(|(_, shape)| !shape.is_empty())
    else {
        return Err(wrong(format!("expected `x` of shape [samples, ...], got {}", x.kind()))
            .help("the first axis counts the samples: `x[None]` makes one of a single sample"));
    };
    super::set::admit(count, shape, &options.limits)?;
    let key = options.label.as_deref().unwrap_or("y");
    let y = match (arrays.get(key), &options.label) {
        (Some(y), _) => Some(labels(key, y, count)?),
        (None, None) => None,
        (None, Some(_)) => {
            return Err(wrong(format!("expected an array `{key}`, got {}", names(&arrays))));
        }
    };
    Ok(Samples {
        x: floats(x)?,
        shape: shape.to_vec(),
        y,
        columns: None,
        classes: None,
        source: format!("npz, {} `x`", x.element()),
    })
}

fn names(arrays: &Arrays) -> String {
    let names = arrays.keys().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Numbers of any type as `f32`.
fn floats(x: &Tensor) -> Result<Vec<f32>> {
    if matches!(x.element(), Element::Text) {
        return Err(wrong("expected numbers in `x`, got texts"));
    }
    let cast = x.cast(Element::F32)?;
    let (_, Data::F32(values)) = cast.into_parts() else {
        return Err(wrong("expected numbers in `x`"));
    };
    if let Some(at) = values.iter().position(|value| value.is_infinite()) {
        return Err(wrong(format!("number {at} of `x` is infinite, or beyond `f32`"))
            .help("a missing value is NaN; take the others out or limit them"));
    }
    Ok(values)
}

/// Labels of any type of whole numbers.
fn labels(key: &str, y: &Tensor, count: usize) -> Result<Vec<i64>> {
    let got = y.kind();
    let refused = |help: &'static str| {
        Err(wrong(format!("expected whole numbers of shape [{count}] in `{key}`, got {got}"))
            .help(help))
    };
    match y.dims() {
        &[samples] | &[samples, 1] if samples == count => {}
        &[samples, _] if samples == count => {
            return refused("a row for each sample is one-hot: save `y.argmax(1)`");
        }
        _ => return refused("there is one label for each sample"),
    }
    match y.element() {
        Element::Bool => refused("save `y.astype(\"int64\")`"),
        Element::Text => refused("give each class a number, in the order of the model's outputs"),
        element if element.is_float() => refused("save `y.astype(\"int64\")`"),
        _ => y.ints(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn given(arrays: &[(&str, Tensor)], label: Option<&str>) -> Result<Samples> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.npz");
        let arrays =
            arrays.iter().map(|(name, tensor)| ((*name).to_owned(), Arc::new(tensor.clone())));
        npz::write(&path, &arrays.collect()).unwrap();
        read(&path, &Options { label: label.map(Into::into), ..Options::default() })
    }

    #[test]
    fn numbers_of_any_type_are_read() {
        let y = Tensor::new([2], vec![3_u8, 1]).unwrap();
        for x in [
            Tensor::new([2, 1, 2], vec![0_u8, 1, 2, 255]).unwrap(),
            Tensor::new([2, 1, 2], vec![0.0_f64, 1.0, 2.0, 255.0]).unwrap(),
            Tensor::new([2, 1, 2], vec![0_i64, 1, 2, 255]).unwrap(),
            Tensor::new([2, 1, 2], vec![0.0_f32, 1.0, 2.0, 255.0]).unwrap(),
        ] {
            let samples = given(&[("x", x), ("y", y.clone())], None).unwrap();
            assert_eq!(samples.x, [0.0, 1.0, 2.0, 255.0]);
            assert_eq!((samples.shape.as_slice(), samples.len()), (&[1, 2][..], 2));
            assert_eq!(samples.sample(1), [2.0, 255.0]);
            assert_eq!(samples.y, Some(vec![3, 1]));
        }
    }

    #[test]
    fn labels_that_are_none_are_refused_with_advice() {
        let x = Tensor::new([2, 2], vec![0.0_f32; 4]).unwrap();
        for (y, help) in [
            (Tensor::new([2, 3], vec![0_i64; 6]).unwrap(), "argmax"),
            (Tensor::new([2], vec![true, false]).unwrap(), "int64"),
            (Tensor::new([2], vec![0.5_f32, 1.0]).unwrap(), "int64"),
            (Tensor::new([3], vec![0_i64; 3]).unwrap(), "one label"),
        ] {
            let trouble = given(&[("x", x.clone()), ("y", y)], None).unwrap_err();
            assert!(trouble.help.as_ref().unwrap().contains(help), "{trouble}");
        }
        let one = Tensor::new([2, 1], vec![1_i32, 0]).unwrap();
        let samples = given(&[("X", x.clone()), ("t", one)], Some("t")).unwrap();
        assert_eq!(samples.y, Some(vec![1, 0]));
        assert_eq!(given(&[("x", x.clone())], None).unwrap().y, None);
        let trouble = given(&[("x", x)], Some("t")).unwrap_err();
        assert!(trouble.to_string().contains("`t`"), "{trouble}");
    }

    #[test]
    fn what_no_float_holds_is_refused() {
        let x = Tensor::new([1, 2], vec![0.0_f64, 1e300]).unwrap();
        assert!(given(&[("x", x)], None).unwrap_err().to_string().contains("number 1"));
        assert!(given(&[("x", Tensor::new([2], vec![0.0_f32; 2]).unwrap())], None).is_err());
    }
}
