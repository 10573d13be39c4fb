//! Whether a record is one of those asked for, told from its bytes.

use memchr::memmem::Finder;

use crate::logs::frame::View;
use crate::logs::query::LogQuery;

/// A question's filters, made ready.
#[derive(Debug)]
pub(crate) struct Filter {
    query: LogQuery,
    keyword: Option<Finder<'static>>,
}

impl Filter {
    pub(crate) fn new(query: &LogQuery) -> Self {
        Self {
            keyword: query
                .keyword
                .as_ref()
                .map(|keyword| Finder::new(keyword.as_bytes()).into_owned()),
            query: query.clone(),
        }
    }

    /// True when every filter that is given holds. The cheap ones are asked first.
    pub(crate) fn holds(&self, record: &View<'_>) -> bool {
        let query = &self.query;
        query.start.is_none_or(|start| record.started_at >= start)
            && query.end.is_none_or(|end| record.started_at <= end)
            && query.namespace.as_str() == record.namespace
            && query.function.as_ref().is_none_or(|name| name.as_str() == record.name)
            && query.uid.as_ref().is_none_or(|uid| uid.as_str() == record.uid)
            && query.request_id.is_none_or(|id| id == record.request_id)
            && query.outcome.is_none_or(|outcome| outcome.holds(record.status))
            && query
                .qualifier
                .as_ref()
                .is_none_or(|wanted| [record.qualifier, record.label].contains(&wanted.as_str()))
            && self
                .keyword
                .as_ref()
                .is_none_or(|keyword| keyword.find(record.log).is_some() || keyword.find(record.ret_msg).is_some())
    }
}
