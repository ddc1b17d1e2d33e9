/// A pod of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) uid: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) service_account: String,
    /// Where it runs; none while it waits for a place.
    pub(crate) node: Option<String>,
    /// It failed or was completed: nothing of it runs any more.
    pub(crate) ended: bool,
}
