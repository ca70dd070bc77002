//! The samples that fall to the smallest changes: pictures of images, changed cells of tables.

use modelward_core::{Measurement, Picture, Value};
use modelward_engine::Result;
use modelward_lab::{
    picture,
    robustness::{Fallen, Robustness},
    samples::Samples,
};

use crate::cli::attack::Setting;

/// How many are shown.
const SHOWN: usize = 6;

/// How many cells of each.
const CELLS: usize = 8;

/// Add them to a measurement.
pub(super) fn add(
    setting: &Setting,
    measured: &Robustness,
    samples: &Samples,
    measurement: &mut Measurement,
) -> Result<()> {
    let mut worst = measured.fallen.iter().collect::<Vec<_>>();
    worst.sort_by(|a, b| a.nearest.total_cmp(&b.nearest).then(a.index.cmp(&b.index)));
    let mut records = Vec::new();
    for fallen in worst.into_iter().take(SHOWN) {
        let original = samples.sample(fallen.index);
        let point = &fallen.witness.point;
        let from = name(setting, fallen.label);
        let to = usize::try_from(fallen.witness.label)
            .map_or_else(|_| "no number".to_owned(), |class| name(setting, class));
        let caption = format!("sample {}: {from} becomes {to}", fallen.index);
        let range = setting.threat.budget.clip.unwrap_or_else(|| range(original, point));
        match picture::compared(&setting.shape, original, point, range)? {
            Some(png) => {
                let caption = format!("{caption}; original, changed, difference magnified");
                measurement.pictures.push(Picture { caption, png });
            }
            None => {
                measurement.lines.push(format!("worst     {caption}: {}", cells(samples, fallen)))
            }
        }
        records.push(Value::Record(vec![
            ("index", fallen.index.into()),
            ("label", fallen.label.into()),
            ("becomes", Value::Number(fallen.witness.label as f64)),
            ("nearest", fallen.nearest.into()),
        ]));
    }
    measurement.fields.push(("worst", Value::List(records)));
    Ok(())
}

/// The cells that change most, with what they were and what they become.
fn cells(samples: &Samples, fallen: &Fallen) -> String {
    let original = samples.sample(fallen.index);
    let mut changed = original
        .iter()
        .zip(&fallen.witness.point)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .collect::<Vec<_>>();
    let count = changed.len();
    changed.sort_by(|(i, (a, b)), (j, (c, d))| {
        (*d - *c).abs().total_cmp(&(*b - *a).abs()).then(i.cmp(j))
    });
    let shown = changed.into_iter().take(CELLS).map(|(at, (a, b))| {
        let name = samples.columns.as_ref().and_then(|names| names.get(at).cloned());
        format!("{} {a} -> {b}", name.unwrap_or_else(|| at.to_string()))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match count.saturating_sub(CELLS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn name(setting: &Setting, class: usize) -> String {
    let name = setting.names.as_ref().and_then(|names| names.get(class).cloned());
    name.unwrap_or_else(|| class.to_string())
}

fn range(original: &[f32], point: &[f32]) -> (f32, f32) {
    let all = || original.iter().chain(point).copied();
    (all().fold(f32::INFINITY, f32::min), all().fold(f32::NEG_INFINITY, f32::max))
}
