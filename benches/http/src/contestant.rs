//! The contestants.

use std::rc::Rc;

use tokio::runtime::Runtime;

use crate::Failure;

/// Makes this number of requests and reads their responses. If the contestant decodes, returns the sum of all values in the last response.
pub(crate) type Run = Box<dyn FnMut(u32) -> Result<Option<u64>, Failure>>;

/// A participant in a case.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
}

impl Contestant {
    pub(crate) fn new(
        name: &'static str,
        runtime: &Rc<Runtime>,
        mut turn: impl AsyncFnMut() -> Result<Option<u64>, Failure> + 'static,
    ) -> Self {
        let runtime = Rc::clone(runtime);
        let run = move |turns| {
            runtime.block_on(async {
                let mut sum = None;
                for _ in 0..turns {
                    sum = turn().await?;
                }
                Ok(sum)
            })
        };
        Self { name, run: Box::new(run) }
    }
}

/// Lets every contestant make one request, and compares the results.
///
/// # Errors
/// If a contestant fails or its result differs.
pub(crate) fn check(contestants: &mut [Contestant]) -> Result<(), Failure> {
    let mut expected = None;
    for Contestant { name, run } in contestants {
        if let Some(sum) = run(1)?
            && sum != *expected.get_or_insert(sum)
        {
            return Err(format!("{name} read something else").into());
        }
    }
    Ok(())
}
