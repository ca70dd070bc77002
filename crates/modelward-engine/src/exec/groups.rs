//! Gradients clipped for each example.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    Data, Result, Tensor,
    exec::{
        Cpu, Program,
        crew::stopped,
        given::Given,
        kernels::{add_scaled, square},
        pieces::{Runner, SUMMED},
    },
};

/// Examples in groups, that threads take one after the other.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) runner: Arc<Runner>,
    /// For one example.
    pub(super) program: Arc<Program>,
    pub(super) inputs: Vec<Arc<Tensor>>,
    pub(super) examples: usize,
    /// Which outputs are gradients.
    pub(super) outputs: Range<usize>,
    /// The largest norm that is left as it is.
    pub(super) clip: f32,
    pub(super) cpu: Cpu,
    pub(super) next: AtomicUsize,
    pub(super) given: Mutex<Given>,
    pub(super) norms: Mutex<Vec<f32>>,
}

impl Groups {
    /// Run what is left of the groups.
    ///
    /// # Errors
    /// Where a node refuses its data.
    pub(super) fn work(&self) -> Result<()> {
        let mut memory = self.runner.memory(1, &self.program);
        loop {
            let group = self.next.fetch_add(1, Ordering::Relaxed);
            let examples = group * SUMMED..((group + 1) * SUMMED).min(self.examples);
            if examples.is_empty() {
                self.runner.give_back(1, memory);
                return Ok(());
            }
            let types = self.program.outputs().skip(self.outputs.start);
            let mut sums = types.map(Tensor::zeros).collect::<Result<Vec<_>>>()?;
            for example in examples {
                let piece = Some((example, 1));
                self.runner.write(
                    &self.program,
                    &mut memory,
                    &self.inputs,
                    piece,
                    &mut |_, _| Ok(()),
                )?;
                let part = |at: usize| self.program.output(&memory, at).unwrap_or_default();
                let square = self.outputs.clone().map(|at| square(self.cpu, part(at))).sum::<f64>();
                let (norm, clip) = (square.sqrt(), f64::from(self.clip));
                let scale = if norm > clip { (clip / norm) as f32 } else { 1.0 };
                if let Some(place) = self.norms.lock().map_err(|_| stopped())?.get_mut(example) {
                    *place = norm as f32;
                }
                for (at, sum) in self.outputs.clone().zip(&mut sums) {
                    if let Data::F32(sum) = sum.data_mut() {
                        add_scaled(self.cpu, sum, part(at), scale);
                    }
                }
            }
            self.given.lock().map_err(|_| stopped())?.take(group, sums)?;
        }
    }

    /// The sums of the gradients, and each example's norm.
    ///
    /// # Errors
    /// Where a thread stopped.
    pub(super) fn finish(&self) -> Result<(Vec<Tensor>, Vec<f32>)> {
        let mut given = self.given.lock().map_err(|_| stopped())?;
        let mut norms = self.norms.lock().map_err(|_| stopped())?;
        let given = std::mem::replace(&mut *given, Given::new(&[]));
        Ok((given.finish()?, std::mem::take(&mut *norms)))
    }
}
