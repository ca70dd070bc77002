//! Labels that are wrong: what learners that never saw a row say of it.
//!
//! An ensemble of our own is calibrated together with the share of wrong labels, and told twice: the second time
//! nothing learns from labels that look wrong. A label is flagged that is more likely wrong than right, and only where
//! so few right ones would be. Probabilities of the user's are judged by confident learning (Northcutt, Jiang and
//! Chuang, JAIR 70, 2021).

use modelward_core::Value;

use super::{Context, Done, Found, Labels, binomial, counted, near};
use crate::columns::{named, written};
use crate::{
    Kind, Unread, kind,
    learn::{
        confident::{self, Calibrated},
        ensemble::{FOLDS, LEAST_GROUPS, NEIGHBOURS, Problem, Told},
        features,
        floor::{Disagreements, Floor},
        neighbours::Neighbours,
    },
    rules::LABEL_ERROR,
};

mod given;
mod regression;
mod several;

pub(in crate::check) use self::regression::are_amounts;
pub(crate) use self::regression::is_continuous;

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(match judge(context) {
        Ok(done) => done,
        Err(why) => Done::skipped(why),
    })
}

fn judge(context: &Context<'_>) -> Result<Done, String> {
    let roles = &context.roles;
    let sample = &context.sample;
    if sample.numbers.len() < FOLDS {
        return Err(format!("expected at least {FOLDS} rows, got {}", sample.numbers.len()));
    }
    let given = context.request.probabilities.as_ref();
    if !roles.labels.is_empty() {
        return match given {
            Some(_) => {
                Err("`--probabilities` are those of one label; name it with `--label`".to_owned())
            }
            None => several::of_columns(context),
        };
    }
    let label = roles.label.ok_or("no column is a label; name one with `--label`")?;
    if let Some(given) = given {
        return given::judge(context, given);
    }
    let field = sample.rows.schema().field(label).clone();
    if matches!(kind(&field), Kind::Numbers(_) | Kind::Other)
        || several::lists(sample.rows.column(label)).is_some()
    {
        return several::of_column(context, label);
    }
    let labels = context.labels.as_ref().ok_or("there are no labels")?;
    if regression::is_continuous(&field, labels) {
        return regression::judge(context, label);
    }
    let learned = Learned::of(context)?;
    let problem = learned.problem(context);
    let judged = judge_classes(&problem, labels)?;
    let mut done = told(context, &judged, Some(&problem.neighbours));
    learned.tell(&mut done);
    done.fields.push(("dropped columns", learned.dropped()));
    Ok(done)
}

/// What learning is done on.
struct Learned {
    features: features::Features,
    groups: Option<Vec<Option<u32>>>,
    /// Texts and images that are nearly equal.
    alike: Vec<(u32, u32)>,
}

impl Learned {
    fn of(context: &Context<'_>) -> Result<Self, String> {
        let rows = &context.sample.rows;
        let features = {
            let request = context.request;
            features::of(rows, &context.roles, &request.limits, request.threads)
        };
        if features.matrix.columns == 0 {
            return Err("no column tells anything beside the label".to_owned());
        }
        let groups = context.roles.group.and_then(|group| rows.columns().get(group));
        let groups = groups.map(|group| features::values(&named(group)));
        let alike =
            near::copies(rows, &context.roles, &context.request.limits, context.request.threads);
        Ok(Self { features, groups, alike })
    }

    fn problem<'a>(&'a self, context: &Context<'_>) -> Problem<'a> {
        let request = context.request;
        let groups = self.groups.as_deref();
        Problem::new(&self.features.matrix, groups, &self.alike, request.seed, request.threads)
    }

    /// Say what could not be read, which the learners know nothing of.
    fn tell(&self, done: &mut Done) {
        if self.features.broken > 0 {
            let why = format!(
                "{} images cannot be decoded, and were taken as the mean of the others",
                self.features.broken
            );
            done.lines.push(format!("label-error: {why}"));
            done.beyond = Some(why);
        }
    }

    fn dropped(&self) -> Value {
        let columns = self.features.dropped.iter().map(|(name, why)| {
            Value::Record(vec![("column", name.as_str().into()), ("why", (*why).into())])
        });
        Value::List(columns.collect())
    }
}

/// What was made of the labels of rows.
struct Judged {
    /// The classes that were judged, and of which each row is.
    labels: Labels,
    /// `[rows, classes]`.
    shares: Vec<f32>,
    /// How wrong the label of each row looks: 0 to 1.
    scores: Vec<f32>,
    calibrated: Calibrated,
    learners: Vec<(&'static str, f64, f64)>,
    flagged: Vec<bool>,
    /// False alarms that are expected.
    expected: f64,
    accuracy: f64,
    majority: f64,
    folds: usize,
    /// Classes that were not judged: all their rows are of one group.
    alone: Vec<String>,
    /// How many classes were not judged for being too small, and rows of them.
    small: (usize, usize),
}

/// The classes that can be judged.
struct Kept {
    labels: Labels,
    alone: Vec<String>,
    small: (usize, usize),
}

/// Nothing is said of a class of fewer rows than folds, nor of one that no learner met, and nothing by them.
fn kept(problem: &Problem<'_>, labels: &Labels) -> Result<Kept, String> {
    let counts = labels.counts();
    let total = counts.iter().sum::<usize>();
    if total < FOLDS {
        return Err(format!("expected at least {FOLDS} rows with a label, got {total}"));
    }
    if counts.len() < 2 {
        return Err("all rows have one label".to_owned());
    }
    if counts.iter().all(|count| *count < FOLDS) {
        return Err(format!("no class has {FOLDS} rows; is `--label` a column of classes?"));
    }
    enough_groups(problem)?;
    let alone = alone(problem, labels, &counts);
    let judged = |class: usize| counts[class] >= FOLDS && !alone[class];
    let (kept, left) = (0..counts.len()).partition::<Vec<_>, _>(|class| judged(*class));
    if kept.len() < 2 {
        return Err(match alone.contains(&true) {
            true => {
                "all rows of each label are of one group, and no row is told by its own".to_owned()
            }
            false => format!("only one class has {FOLDS} rows"),
        });
    }
    if kept.len().saturating_mul(labels.of.len()) > MOST_SHARES {
        return Err(format!("{} classes of {total} rows are more than it can hold", kept.len()));
    }
    let small = left.iter().filter(|class| !alone[**class]).map(|class| counts[*class]);
    let small = small.fold((0, 0), |(classes, rows), count| (classes + 1, rows + count));
    let alone = left.iter().filter(|class| alone[**class]);
    let alone = alone.map(|class| labels.classes[*class].clone()).collect();
    Ok(Kept { labels: labels.only(&kept), alone, small })
}

/// Judge labels that are classes.
fn judge_classes(problem: &Problem<'_>, labels: &Labels) -> Result<Judged, String> {
    let Kept { labels, alone, small } = kept(problem, labels)?;
    let known = labels.of.iter().map(Option::is_some).collect::<Vec<_>>();
    let of = labels.of.iter().map(|class| class.unwrap_or(0)).collect::<Vec<_>>();
    let classes = labels.classes.len();
    let counts = labels.counts();
    let total = counts.iter().sum::<usize>();
    let unknown = known.iter().map(|known| !known).collect::<Vec<_>>();
    let first = problem.classify(&of, classes, &unknown, &known, None);
    let majority = counts.into_iter().max().unwrap_or(0) as f64 / total as f64;
    let accuracy = accuracy(&first.shares, &of, classes, &known);
    if accuracy < bar(majority) {
        return Err(format!(
            "the learners guess {:.1} % of the labels, the commonest label alone {:.1} %: they know too little",
            100.0 * accuracy,
            100.0 * majority
        ));
    }
    let (told, floor) = told_again(problem, &of, classes, &known, first);
    let Told { shares, learners, mut calibrated, .. } = told;
    if let Some(floor) = &floor {
        calibrated.noise = floor.noise;
        calibrated.evidence = floor.evidence;
    }
    let wrong = |shares: &[f32], label: usize| match &floor {
        Some(floor) => floor.wrong(shares, label),
        None => calibrated.wrong(f64::from(shares[label]), classes),
    };
    let scores = shares.chunks_exact(classes).zip(&of);
    let scores = scores.map(|(shares, label)| wrong(shares, *label as usize) as f32).collect();
    // Learners that miss most labels by themselves fit badly in ways that look like wrong labels, the more the more
    // rows there are.
    let weak = accuracy < HALF || WEAK * calibrated.noise < 1.0 - accuracy;
    let mut needed = match weak {
        true => EVIDENCE_OF_WEAK * (total as f64 / ROWS_OF_WEAK).max(1.0),
        false => EVIDENCE,
    };
    // So do those that know few rows of a class: each wrong label has to add its part.
    if total < FEW_OF_CLASS * classes {
        needed = needed.max(calibrated.noise * total as f64);
    }
    let (mut flagged, mut expected) = (vec![false; of.len()], 0.0);
    if floor.is_some() || calibrated.evidence >= needed {
        let most = confident::bar(&shares, classes, &known, ALARMS);
        for (row, shares) in shares.chunks_exact(classes).enumerate().filter(|(row, _)| known[*row])
        {
            let best = likeliest(shares);
            let flag = |label: usize| {
                let wrong = wrong(shares, label);
                best != label && (wrong > SURE || wrong > 0.5 && f64::from(shares[label]) <= most)
            };
            flagged[row] = flag(of[row] as usize);
            // Were the label right, and drawn by these shares.
            let alarms = (0..classes).filter(|label| flag(*label));
            expected += alarms.map(|label| f64::from(shares[label])).sum::<f64>();
        }
        expected *= 1.0 - calibrated.noise;
    }
    let folds = FOLDS;
    Ok(Judged {
        labels,
        shares,
        scores,
        calibrated,
        learners,
        flagged,
        expected,
        accuracy,
        majority,
        folds,
        alone,
        small,
    })
}

/// The second round, in which nothing learns from what looks wrong in the first, and what lies under its overlap, if
/// that is what there is to tell.
fn told_again(
    problem: &Problem<'_>,
    of: &[u32],
    classes: usize,
    known: &[bool],
    first: Told,
) -> (Told, Option<Floor>) {
    let without = |looks_wrong: &dyn Fn(usize, &[f32]) -> bool| {
        let left_out = first.shares.chunks_exact(classes).enumerate().map(|(row, shares)| {
            let disagrees = shares[of[row] as usize] < shares[likeliest(shares)];
            !known[row] || disagrees && looks_wrong(row, shares)
        });
        problem.classify(of, classes, &left_out.collect::<Vec<_>>(), known, Some(&first))
    };
    // The same wrong label on many copies is one.
    let mut met = vec![false; problem.groups()];
    let mut once = known.to_vec();
    for (once, group) in once.iter_mut().zip(problem.group_of()) {
        *once = *once && !std::mem::replace(&mut met[*group as usize], true);
    }
    // What the learners have learned to expect does not look wrong to them.
    if classes <= MOST_OF_PAIRS
        && Disagreements::of(&first.shares, of, classes, &once).have_a_direction()
    {
        let under = without(&|_, _| true);
        let floor = Floor::of(&Disagreements::of(&under.shares, of, classes, known));
        if floor.is_some() {
            return (under, floor);
        }
    }
    if first.calibrated.noise == 0.0 {
        return (first, None);
    }
    let mut second = without(&|row, shares| {
        first.calibrated.wrong(f64::from(shares[of[row] as usize]), classes) > 0.5
    });
    // What one round hides the other may see.
    let both = second.shares.iter_mut().zip(&first.shares);
    both.for_each(|(new, old)| *new = 0.75 * *new + 0.25 * old);
    (second, None)
}

/// Whether there are groups enough for rows to be told by others.
fn enough_groups(problem: &Problem<'_>) -> Result<(), String> {
    match problem.groups() {
        groups if groups < LEAST_GROUPS => Err(format!(
            "the rows are only {groups} groups that are told apart, and {LEAST_GROUPS} are the least"
        )),
        _ => Ok(()),
    }
}

/// Classes that no learner knows when their rows are judged: all of these are of one group.
fn alone(problem: &Problem<'_>, labels: &Labels, counts: &[usize]) -> Vec<bool> {
    let (mut first, mut several) = (vec![None; counts.len()], vec![false; counts.len()]);
    for (class, group) in labels.of.iter().zip(problem.group_of()) {
        let Some(class) = class.map(|class| class as usize) else { continue };
        several[class] |= *first[class].get_or_insert(*group) != *group;
    }
    several.iter().zip(counts).map(|(several, count)| !several && *count >= FOLDS).collect()
}

/// How often the likeliest class is the given one.
fn accuracy(shares: &[f32], labels: &[u32], classes: usize, judged: &[bool]) -> f64 {
    let rows = (0..labels.len()).filter(|row| judged[*row]);
    let right = rows
        .clone()
        .filter(|row| likeliest(&shares[row * classes..][..classes]) == labels[*row] as usize);
    right.count() as f64 / rows.count().max(1) as f64
}

fn likeliest(shares: &[f32]) -> usize {
    let mut best = 0;
    for (class, share) in shares.iter().enumerate() {
        if *share > shares[best] {
            best = class;
        }
    }
    best
}

/// What learners have to guess at least where the commonest label has such a share.
fn bar(majority: f64) -> f64 {
    majority + ENOUGH.min((1.0 - majority) / 4.0)
}

/// What was found, for programs and people; by the neighbours of the rows, if these were asked.
fn told(context: &Context<'_>, judged: &Judged, neighbours: Option<&Neighbours>) -> Done {
    let labels = &judged.labels;
    let classes = labels.classes.len();
    let numbers = &context.sample.numbers;
    let mut scores = context.unscored();
    let mut flagged = Vec::new();
    for (row, number) in numbers.iter().enumerate() {
        let Some(label) = labels.of[row] else { continue };
        let score = judged.scores[row];
        if let Some(own) = scores.get_mut(*number as usize) {
            *own = score;
        }
        if judged.flagged[row] {
            let suggested = likeliest(&judged.shares[row * classes..][..classes]);
            flagged.push((f64::from(score), row, *number, label as usize, suggested));
        }
    }
    flagged.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.2.cmp(&other.2)));
    let why = |row: usize, class: usize| match neighbours {
        Some(neighbours) => vote(neighbours, labels, row, class),
        None => {
            let share = judged.shares[row * classes + class];
            format!("the probabilities say {} with {share:.2}", labels.classes[class])
        }
    };
    let list = flagged.iter().map(|(score, row, number, label, class)| {
        Value::Record(vec![
            ("row", (*number).into()),
            ("score", (*score).into()),
            ("given", labels.classes[*label].as_str().into()),
            ("suggested", labels.classes[*class].as_str().into()),
            ("why", why(*row, *class).into()),
        ])
    });
    let list = Value::List(list.collect());
    let rows = labels.of.iter().flatten().count();
    let learners = judged.learners.iter().map(|(name, weight, loss)| {
        Value::Record(vec![
            ("name", (*name).into()),
            ("weight", (*weight).into()),
            ("log loss", (*loss).into()),
        ])
    });
    let model = Value::Record(vec![
        ("accuracy", judged.accuracy.into()),
        ("majority", judged.majority.into()),
        ("folds", (judged.folds as u64).into()),
        ("noise", judged.calibrated.noise.into()),
        ("evidence", judged.calibrated.evidence.into()),
        ("learners", Value::List(learners.collect())),
    ]);
    let (low, high) = binomial::spread(judged.expected, rows);
    let mut fields = vec![
        ("unit", "probability that the given label is wrong".into()),
        ("flagged", list),
        ("expected_false_alarms", binomial::alarms(judged.expected, rows)),
        ("model", model),
    ];
    if context.sample.is_part() {
        fields.push(("sampled", (numbers.len() as u64).into()));
    }
    let lines = judged.alone.iter().map(|class| {
        format!(
            "label-error: rows labelled {class} were not judged: all of them are of one group, and no row is told \
             by its own"
        )
    });
    let mut lines = lines.collect::<Vec<_>>();
    let (small, of_small) = judged.small;
    if small > 0 {
        lines.push(format!(
            "label-error: {}: {} fewer than {FOLDS} rows",
            counted(of_small, "row is not judged", "rows are not judged"),
            counted(small, "class has", "classes have")
        ));
        fields.push(("rows of small classes", (of_small as u64).into()));
    }
    if !judged.alone.is_empty() {
        let named = judged.alone.iter().map(|class| Value::from(class.as_str()));
        fields.push(("not judged", Value::List(named.collect())));
    }
    let mut done = Done {
        lines,
        looked_at: Some(numbers.len() as u64),
        fields,
        scores: (!scores.is_empty()).then_some(scores),
        ..Done::default()
    };
    if let Some((_, row, number, label, class)) = flagged.first() {
        let message = format!(
            "{} (expected false alarms: {:.1}, {low} to {high} at 95 %); row {number}: \
             labelled {}, {}; accuracy of the learners {:.2}",
            counted(flagged.len(), "label looks wrong", "labels look wrong"),
            judged.expected,
            labels.classes[*label],
            why(*row, *class),
            judged.accuracy
        );
        done.found.push(Found {
            rule: &LABEL_ERROR,
            severity: LABEL_ERROR.severity,
            message,
            rows: flagged.iter().map(|flag| flag.2).collect(),
            measured: ("labels that look wrong", flagged.len() as f64, high as f64),
        });
    } else {
        done.lines.push(format!(
            "ok  label-error: none of {rows} labels looks wrong; accuracy of the learners {:.2}",
            judged.accuracy
        ));
    }
    done
}

/// How the neighbours of a row vote for a class.
fn vote(neighbours: &Neighbours, labels: &Labels, row: usize, class: usize) -> String {
    let near = neighbours.of(row).take(NEIGHBOURS).map(|(other, _)| labels.of[other]);
    let near = near.collect::<Vec<_>>();
    let of = near.iter().filter(|label| **label == Some(class as u32)).count();
    format!("{of} of {} neighbours are {}", near.len(), labels.classes[class])
}

/// How much better than the commonest label the learners have to be.
pub(crate) const ENOUGH: f64 = 0.05;
/// A label that is wrong with this probability is flagged whatever the share.
const SURE: f64 = 0.9;
/// The share of right labels that may be flagged.
const ALARMS: f64 = 0.005;
/// Twice the log likelihood that wrong labels have to add (chi-square with one degree of freedom, 0.5 % on
/// one side).
const EVIDENCE: f64 = 6.63;
/// Learners that guess fewer labels than this, or that miss more than this times the wrong labels, are weak. And what
/// is asked of these: of 128 clean sets that they guess half to two thirds of, six came to 7 to 21, and of 72 of six
/// classes that they guess two fifths of, two came to 18 and 24.
const HALF: f64 = 0.5;
const WEAK: f64 = 3.0;
const EVIDENCE_OF_WEAK: f64 = 26.5;
/// Rows up to which that is enough.
const ROWS_OF_WEAK: f64 = 3000.0;
/// Pairs of more classes have too few rows for a direction.
const MOST_OF_PAIRS: usize = 100;
/// Rows of a class that are few: of 54 clean sets of 150 rows in 4 to 10 classes, eight came to 15 to 78, which is
/// more than one for each label that the fit takes as wrong in a single one of them.
const FEW_OF_CLASS: usize = 40;
/// The most probabilities that are held.
const MOST_SHARES: usize = 1 << 24;
