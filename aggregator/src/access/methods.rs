//! Role that each method needs. A method without a row is refused.

use phuxanh_core::delivery::identity::access::Need;

/// Path and need of every method that is served.
const NEEDS: &[(&str, Need)] = &[
    ("/grpc.health.v1.Health/Check", Need::Nobody),
    ("/grpc.health.v1.Health/List", Need::Nobody),
    ("/grpc.health.v1.Health/Watch", Need::Nobody),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Need::Nobody),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Need::Nobody),
    ("/phuxanh.v1.CatalogueService/GetCatalogue", Need::Viewer),
    ("/phuxanh.v1.CollectionService/Deliver", Need::Collector),
    ("/phuxanh.v1.CollectionService/ListOtherValues", Need::Collector),
    ("/phuxanh.v1.InsightService/GetCause", Need::Viewer),
    ("/phuxanh.v1.InsightService/GetDistribution", Need::Viewer),
    ("/phuxanh.v1.InsightService/GetGap", Need::Viewer),
    ("/phuxanh.v1.InsightService/GetPath", Need::Viewer),
    ("/phuxanh.v1.InsightService/GetShortfalls", Need::Viewer),
    ("/phuxanh.v1.InsightService/ListLacking", Need::Viewer),
    ("/phuxanh.v1.InsightService/RankGaps", Need::Viewer),
    ("/phuxanh.v1.LocalityService/GetLocality", Need::Viewer),
    ("/phuxanh.v1.LocalityService/GetScorecard", Need::Viewer),
    ("/phuxanh.v1.LocalityService/ListLocalities", Need::Viewer),
    ("/phuxanh.v1.LocalityService/SearchLocalities", Need::Viewer),
    ("/phuxanh.v1.MeshService/AuditCollectors", Need::Operator),
    ("/phuxanh.v1.MeshService/ListCollectors", Need::Operator),
    ("/phuxanh.v1.MeshService/ListReplicas", Need::Operator),
    ("/phuxanh.v1.QualityService/GetCompleteness", Need::Viewer),
    ("/phuxanh.v1.QualityService/ListFlags", Need::Viewer),
    ("/phuxanh.v1.QualityService/ListHistory", Need::Viewer),
    ("/phuxanh.v1.QualityService/ListReceipts", Need::Viewer),
    ("/phuxanh.v1.QualityService/ListSilent", Need::Viewer),
    ("/phuxanh.v1.RankingService/GetStanding", Need::Viewer),
    ("/phuxanh.v1.RankingService/RankLocalities", Need::Viewer),
    ("/phuxanh.v1.TrendService/ComparePeriods", Need::Viewer),
    ("/phuxanh.v1.TrendService/GetTrend", Need::Viewer),
    ("/phuxanh.v1.TrendService/ListDays", Need::Viewer),
];

/// Need of a method; `None` for one that is not in the table.
#[must_use]
pub fn need(path: &str) -> Option<Need> {
    NEEDS.iter().find_map(|(found, need)| (*found == path).then_some(*need))
}

/// Paths of the table.
pub fn paths() -> impl Iterator<Item = &'static str> {
    NEEDS.iter().map(|(path, _)| *path)
}
