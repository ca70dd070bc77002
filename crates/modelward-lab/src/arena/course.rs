//! The course of a climb: whether samples still fall when its steps are up.

/// What became of samples in the longest climbs of an attack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Steps of the longest climb.
    pub steps: usize,
    /// Samples that fell in the second half of climbs of so many steps: what twice as many steps have
    /// brought.
    pub late: usize,
}

impl Course {
    /// Take in a climb of so many steps, in the second half of which so many fell.
    pub fn note(&mut self, steps: usize, late: usize) {
        if steps > self.steps {
            *self = Self { steps, late };
        } else if steps == self.steps {
            self.late += late;
        }
    }

    /// Whether twice the steps has brought down more than half a point of all samples, and more than
    /// one, and so many are left to be brought down.
    pub fn goes_on(&self, all: usize, left: usize) -> bool {
        self.late.min(left) as f64 > Self::limit(all) * all as f64
    }

    /// The share of samples up to which a climb counts as at its end.
    pub fn limit(all: usize) -> f64 {
        0.005_f64.max(1.5 / all.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_climbs_count() {
        let mut course = Course::default();
        for (steps, late) in [(10, 9), (80, 2), (30, 7), (80, 1)] {
            course.note(steps, late);
        }
        assert_eq!(course, Course { steps: 80, late: 3 });
        assert!(course.goes_on(100, 90) && course.goes_on(500, 9) && !course.goes_on(700, 9));
        // One sample of a few is luck.
        assert!(!Course { steps: 80, late: 1 }.goes_on(20, 20));
        // Of none that are left none can fall.
        assert!(!course.goes_on(100, 0));
    }
}
