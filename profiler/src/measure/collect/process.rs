//! A process of the agent: its files are sent, it runs, and what it says is taken in.

use super::error::CollectError;
use super::listener::Listener;
use super::tell;
use crate::devices::Transport;
use crate::measure::job::JobFolder;
use crate::protocol::Job;

impl Listener<'_> {
    /// Has the device do a job of the folder's items, after which the samples must have so many passes.
    ///
    /// # Errors
    /// [`CollectError`].
    pub(super) fn process(
        &mut self,
        folder: &JobFolder,
        transport: &mut dyn Transport,
        job: &Job,
        passes: usize,
    ) -> Result<(), CollectError> {
        folder.provide(&job.items)?;
        folder.write_job(job)?;
        let pushed = transport.push(folder.path());
        tell(transport);
        pushed?;
        let ended = transport.run(&mut |line| self.line(line));
        let verdict = self.verdict(ended, &transport.name(), passes);
        verdict.map_err(|e| e.about(self.culprit.take().and_then(|id| folder.origin(&id))))
    }
}
