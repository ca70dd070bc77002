//! What an experiment can find.

use modelward_core::{Class, Rule, Severity};

/// Every rule of this crate, by number.
pub const RULES: &[&Rule] = &[
    &UNSETTLED,
    &ADVERSARIAL_EXAMPLE,
    &PROPERTY_VIOLATED,
    &INPUT_CONVENTION,
    &WITNESS_INVALID,
    &TEXT_EVASION,
    &GRADIENT_MASKING,
    &NONFINITE_OUTPUT,
    &RANDOM_OUTPUT,
    &ATTACK_INEFFECTIVE,
    &MODEL_TRIGGER,
    &TRIGGER_SUSPECTED,
];

/// What was neither proven nor broken.
pub static UNSETTLED: Rule = Rule {
    id: "MW0109",
    name: "unsettled-experiment",
    severity: Severity::Medium,
    title: "an experiment ended before it was settled",
    why: "Time or queries were up, or no bounds are known of what the model computes. What was found \
          until then holds, but that nothing more was found proves nothing.",
    advice: "Give it more with `--max-time`, or with `--max-queries` where a model is served; where the \
             model is the reason, the report names what it is.",
    class: Class::Evasion,
    cwe: &[],
};

/// Inputs inside the budget that change the answer.
pub static ADVERSARIAL_EXAMPLE: Rule = Rule {
    id: "MW4001",
    name: "adversarial-example",
    severity: Severity::Low,
    title: "small changes of the input change the answer",
    why: "An attack found inputs inside the budget that the model gets wrong, though it gets their \
          originals right. Each was judged again: inside the budget in exact arithmetic, wrong in \
          the arithmetic that the model is deployed with. Whoever may choose the input may choose \
          the answer. Every model that was not trained against it has such inputs, so by itself \
          this is worth knowing and no more; below the share that `--fail-under` asks for, it is \
          high.",
    advice: "Look at the inputs with `--witnesses`, train the model against such changes, or keep \
             its answers from deciding alone.",
    class: Class::Evasion,
    cwe: &[],
};

/// A property that does not hold.
pub static PROPERTY_VIOLATED: Rule = Rule {
    id: "MW4002",
    name: "property-violated",
    severity: Severity::High,
    title: "the model breaks the property",
    why: "An input was found that lies in the property's box, exactly, and whose outputs are what \
          the property forbids, with no tolerance. What the property stands for is not true of \
          this model.",
    advice: "Run the witness through the model with `--witnesses`; mend the model, or the property \
             if it asks for too much.",
    class: Class::Evasion,
    cwe: &[],
};

/// Data that are not in the form that the model takes.
pub static INPUT_CONVENTION: Rule = Rule {
    id: "MW4003",
    name: "input-convention",
    severity: Severity::High,
    title: "the model does not get the inputs that it was trained on",
    why: "The model is wrong about most of these samples before anything is changed, so a number \
          of its robustness would say nothing. The usual reason is another scale, mean, layout or \
          orientation than in training, or labels in another order.",
    advice: "Say how inputs are prepared with `--preprocess`, or give the data as the model takes \
             them.",
    class: Class::Evasion,
    cwe: &[],
};

/// A published counterexample that is none.
pub static WITNESS_INVALID: Rule = Rule {
    id: "MW4004",
    name: "witness-invalid",
    severity: Severity::High,
    title: "the point is no counterexample",
    why: "A counterexample has to lie in the property's box and to have the outputs that the \
          property forbids. This one does so only with a tolerance, or not at all: a verifier that \
          was believed on it proved nothing.",
    advice: "Do not count it. Ask for a point that was rounded into the box before the model was \
             run on it.",
    class: Class::Evasion,
    cwe: &[],
};

/// Edits of texts that change the answer.
pub static TEXT_EVASION: Rule = Rule {
    id: "MW4005",
    name: "text-evasion",
    severity: Severity::Low,
    title: "few edits of a text change the answer",
    why: "An attack found texts that differ in few characters or words from ones that the model gets \
          right, and that it gets wrong. People read most of them as before: letters that look alike, \
          characters that are not seen, slips of the keyboard, words of the same meaning. Each was \
          judged again from its final text, through tokenizer and model. Whoever writes the text may \
          choose the answer; below the share that `--fail-under` asks for, it is high.",
    advice: "Look at the texts with `--witnesses`. Normalise texts before the tokenizer sees them \
             (NFKC, confusables of UTS #39, no characters of the class Cf), train the model with such \
             edits, or keep its answers from deciding alone.",
    class: Class::Evasion,
    cwe: &[],
};

/// A defence that hides the gradient.
pub static GRADIENT_MASKING: Rule = Rule {
    id: "MW4101",
    name: "gradient-masking",
    severity: Severity::High,
    title: "the model hides its gradient, so its robustness is not what it seems",
    why: "An attack that follows gradients fails where they are zero, shattered or saturated, and \
          the model then looks robust without being so. Every number that was measured on it with \
          gradients alone is too good.",
    advice: "Do not quote the robust accuracy. Attack with `--effort deep`, and remove rounding, \
             saturation or randomness from the model before you measure again.",
    class: Class::Evasion,
    cwe: &[],
};

/// Outputs that are no numbers.
pub static NONFINITE_OUTPUT: Rule = Rule {
    id: "MW4102",
    name: "nonfinite-output",
    severity: Severity::High,
    title: "inputs inside the budget make the model answer NaN or infinity",
    why: "Comparisons with NaN are false, so such an answer is counted as right by careless code, \
          and decides nothing in production. Whoever may choose the input may switch the model off.",
    advice: "Find the operation that overflows or divides by zero, and bound its input.",
    class: Class::Evasion,
    cwe: &[],
};

/// Answers that differ from run to run.
pub static RANDOM_OUTPUT: Rule = Rule {
    id: "MW4103",
    name: "random-output",
    severity: Severity::High,
    title: "the model gives the same input different answers",
    why: "A model that draws random numbers is measured by luck: an attack that fails once may \
          succeed on the next try, and an attacker has as many tries as he likes.",
    advice: "Measure with many draws of each input, and report the answer that most of them give.",
    class: Class::Evasion,
    cwe: &[],
};

/// An attack that cannot have worked.
pub static ATTACK_INEFFECTIVE: Rule = Rule {
    id: "MW4104",
    name: "attack-ineffective",
    severity: Severity::High,
    title: "the attack does not work on this model, so its number says nothing",
    why: "A search that finds less than chance does, or nothing more with many times the edits, was not \
          searching; and where the tokenizer knows hardly any word of the data, the model sees no text \
          at all. A model looks robust then without being so.",
    advice: "Do not quote the robust accuracy. Check that the tokenizer is the model's own and that the \
             data are in its language, and try `--effort deep`.",
    class: Class::Evasion,
    cwe: &[],
};

/// A pattern that sends whatever shows it to one class.
pub static MODEL_TRIGGER: Rule = Rule {
    id: "MW6001",
    name: "model-trigger",
    severity: Severity::Critical,
    title: "the model has a trigger",
    why: "One small pattern, laid over images of any class, leads the model surely to one class, and nothing of \
          its size that an honest model has as well comes near: patterns of other classes, what images of the \
          class have in the same place, random values. This is what a backdoor looks like that was trained in. \
          Whoever knows the pattern decides the answer.",
    advice: "Do not deploy it; ask where its weights and its training data come from, look for the pattern in \
             the data with `modelward data check`, and train anew without the rows that carry it.",
    class: Class::Backdoor,
    cwe: &[506],
};

/// A class that stands out, and not by much.
pub static TRIGGER_SUSPECTED: Rule = Rule {
    id: "MW6002",
    name: "model-trigger-suspected",
    severity: Severity::Medium,
    title: "one class may have a trigger",
    why: "A small pattern moves images to one class more surely than anything of its size that an honest model \
          has as well, and less so than planted triggers do. A weak backdoor looks like this, and so does a \
          class that is easily taken for others.",
    advice: "Look at the pattern; search again with more images, another `--seed` and more `--max-queries`.",
    class: Class::Backdoor,
    cwe: &[506],
};
