//! What learns: features of rows, and small learners with fixed seeds whose results have the same bits for
//! any number of threads.

pub(crate) mod confident;
pub(crate) mod covariance;
pub(crate) mod dense;
pub(crate) mod ensemble;
pub(crate) mod features;
pub(crate) mod floor;
pub(crate) mod folds;
pub(crate) mod forest;
pub(crate) mod isolation;
pub(crate) mod logistic;
pub(crate) mod neighbours;
pub(crate) mod random;
pub(crate) mod tail;
pub(crate) mod workers;
