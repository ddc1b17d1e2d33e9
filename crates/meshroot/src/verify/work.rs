use super::{Budget, Reason};

/// What is left of a [`Budget`].
#[derive(Debug)]
pub(super) struct Work {
    signatures: u32,
    names: u32,
    candidates: u32,
}

impl From<Budget> for Work {
    fn from(budget: Budget) -> Self {
        Self { signatures: budget.signatures, names: budget.comparisons, candidates: budget.comparisons }
    }
}

impl Work {
    /// One signature verification.
    pub(super) fn signature(&mut self) -> Result<(), Reason> {
        take(&mut self.signatures, 1, "signature verifications")
    }

    /// So many comparisons of a name with a constraint.
    pub(super) fn names(&mut self, count: usize) -> Result<(), Reason> {
        take(&mut self.names, count, "comparisons of names with name constraints")
    }

    /// So many looks at a certificate as the issuer of another.
    pub(super) fn candidates(&mut self, count: usize) -> Result<(), Reason> {
        take(&mut self.candidates, count, "steps from certificate to issuer")
    }
}

fn take(left: &mut u32, count: usize, what: &'static str) -> Result<(), Reason> {
    match u32::try_from(count).ok().and_then(|count| left.checked_sub(count)) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err(Reason::BudgetExhausted { what }),
    }
}
