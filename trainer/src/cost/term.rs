//! The latency term: how the expected cost of a network joins the loss of the search.

use candle_core::{Result, Tensor};

/// How the latency term joins the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TermMode {
    /// loss · α · ln(p)^β.
    Mul,
    /// loss + α · p^β.
    Add,
}

/// The term by which latency (or MACs) steers the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyTerm {
    /// How it joins the loss.
    pub mode: TermMode,
    /// Its factor. In mul mode it scales the whole gradient, which does not change the steps of RMSprop and AdamW; with a target it is not used there.
    pub alpha: f64,
    /// Its exponent, which decides how strongly cost counts. 0 turns the term off.
    pub beta: f64,
    /// The cost to reach. With a target the term acts only above it: loss · e or loss + α · (e − 1), with e = max(p / target, 1)^β.
    ///
    /// This is the soft constraint of MnasNet (Tan et al., CVPR 2019, equation 2 with w = 0 below the target). Unlike a
    /// Lagrange multiplier it depends on no scale of the loss and has no state: above the target, one per cent of time counts as much as
    /// β per cent of loss; below it only the loss counts. The term does not guarantee that the chosen network meets the target; the
    /// choice does: see [`super::Costs::best`].
    pub target: Option<f64>,
}

/// A latency term that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum TermError {
    /// α = 0 in mul mode.
    #[error(
        "--alpha 0 with --mode mul makes the whole loss 0. In this mode α only scales the loss, which does not change the steps of the \
         optimizers; to turn the latency term off, give --beta 0"
    )]
    NothingLeft,
    /// Not a usable number.
    #[error("--alpha and --beta must be finite and at least 0, not {alpha} and {beta}")]
    Numbers {
        /// α as given.
        alpha: f64,
        /// β as given.
        beta: f64,
    },
    /// ln(p) would not be positive.
    #[error(
        "the cheapest subnet costs {cheapest} {unit}; --mode mul takes the logarithm of the cost, which must therefore be above 1. Check the \
         unit of the table, or give --mode add"
    )]
    Logarithm {
        /// Of the cheapest subnet.
        cheapest: f64,
        /// Of `cheapest`.
        unit: &'static str,
    },
    /// A target that is not above 0.
    #[error("--target-us must be above 0, not {target}")]
    NoTarget {
        /// As given.
        target: f64,
    },
    /// No network is that cheap.
    #[error("--target-us {target} is too low: the fastest network of the search space takes {cheapest:.1} {unit}")]
    Target {
        /// As given.
        target: f64,
        /// Of the cheapest subnet.
        cheapest: f64,
        /// Of `cheapest`.
        unit: &'static str,
    },
}

/// β if a target is given. Above it, 1 % of time then counts as much as 3 % of loss, which is more than networks of a space differ by.
pub const TARGET_BETA: f64 = 3.0;

impl LatencyTerm {
    /// A term that acts above `target` only.
    ///
    /// # Errors
    /// [`TermError::Numbers`], [`TermError::NoTarget`].
    pub fn above(target: f64, mode: TermMode, alpha: f64, beta: f64) -> std::result::Result<Self, TermError> {
        let term = Self { mode, alpha, beta, target: Some(target) };
        if !(target.is_finite() && target > 0.0) {
            return Err(TermError::NoTarget { target });
        }
        term.check_numbers()?;
        Ok(term)
    }

    /// A term that can work for every subnet, the cheapest of which costs `cheapest` (`unit` stands in messages).
    ///
    /// # Errors
    /// As [`TermError`] says.
    pub fn new(mode: TermMode, alpha: f64, beta: f64, cheapest: f64, unit: &'static str) -> std::result::Result<Self, TermError> {
        let term = Self { mode, alpha, beta, target: None };
        term.check_numbers()?;
        if mode == TermMode::Mul && alpha == 0.0 {
            return Err(TermError::NothingLeft);
        }
        if mode == TermMode::Mul && !term.is_off() && cheapest <= 1.0 {
            return Err(TermError::Logarithm { cheapest, unit });
        }
        Ok(term)
    }

    fn check_numbers(&self) -> std::result::Result<(), TermError> {
        let Self { alpha, beta, .. } = *self;
        let fine = alpha.is_finite() && beta.is_finite() && alpha >= 0.0 && beta >= 0.0;
        if fine { Ok(()) } else { Err(TermError::Numbers { alpha, beta }) }
    }

    /// Whether it leaves the loss as it is.
    pub fn is_off(&self) -> bool {
        self.beta == 0.0 || (self.alpha == 0.0 && !(self.mode == TermMode::Mul && self.target.is_some()))
    }

    /// The loss (scalar) with the term, from the expected cost `p` (scalar, µs or MACs).
    ///
    /// # Errors
    /// candle fails.
    pub fn apply(&self, loss: &Tensor, p: &Tensor) -> Result<Tensor> {
        if self.is_off() {
            return Ok(loss.clone());
        }
        if let Some(target) = self.target {
            let excess = p.affine(1.0 / target, 0.0)?.maximum(1.0)?.powf(self.beta)?;
            return match self.mode {
                TermMode::Mul => loss * excess,
                TermMode::Add => loss + excess.affine(self.alpha, -self.alpha)?,
            };
        }
        match self.mode {
            TermMode::Mul => loss * (p.log()?.powf(self.beta)? * self.alpha)?,
            TermMode::Add => loss + (p.powf(self.beta)? * self.alpha)?,
        }
    }
}
