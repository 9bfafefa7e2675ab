//! The page: Weir's own metrics of calls, and the custom ones.

use weir_watch::prometheus::{Metrics, MetricsOptions};

use super::custom::Custom;

/// Everything that is shown at `/metrics`.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) calls: Metrics,
    pub(crate) custom: Custom,
}

impl Default for Page {
    fn default() -> Self {
        Self { calls: Metrics::new(&MetricsOptions::default()), custom: Custom::default() }
    }
}

/// The last line of `OpenMetrics`.
const EOF: &str = "# EOF\n";

impl Page {
    /// Content type and text, in the format that an `Accept` header asks for.
    pub(crate) fn render(&self, accept: Option<&str>) -> (&'static str, String) {
        let (content_type, mut page) = self.calls.render(accept);
        let ends = page.ends_with(EOF);
        if ends {
            page.truncate(page.len() - EOF.len());
        }
        self.custom.write(&mut page, ends);
        if ends {
            page.push_str(EOF);
        }
        (content_type, page)
    }
}
