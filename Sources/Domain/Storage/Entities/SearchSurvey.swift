internal import Postgres

/// What a sample of a list tells about a text in it.
struct SearchSurvey {
    /// Rows of the list.
    var listed: Int64
    /// Rows of the sample.
    var size: Int64 = 0
    /// Rows of the sample that match.
    var matches: Int64 = 0
    /// Rows of the sample that the list's order has before the first of these.
    var before: Int64 = 0
    /// Keys of the text with the rows of the sample's beginning that have them.
    var keys: [(key: Int64, count: Int64)] = []

    /// Rows of a sample, and of its beginning that keys are counted in.
    static let rows = 1500
    static let rowsForKeys: Int64 = 500

    /// Matches in the list, about.
    var estimate: Int64 { size > 0 ? Int64(Double(listed) * Double(matches) / Double(size)) : 0 }

    // MARK: - Keys

    private static let mostKeys = 4
    /// A key that so many of ten rows have costs more to read than it leaves out.
    private static let frequentShare = 0.15

    /// The rarest keys: one at least, the others as long as they are worth it.
    var rarestKeys: [Int64] {
        let sorted = keys.sorted { ($0.count, $0.key) < ($1.count, $1.key) }
        let limit = Int64(Self.frequentShare * Double(min(size, Self.rowsForKeys)))
        return sorted.enumerated().prefix(Self.mostKeys).filter { $0.offset == 0 || $0.element.count <= limit }
            .map(\.element.key)
    }

    // MARK: - Costs

    /// What reading a row costs, in microseconds, about.
    private enum Cost {
        static let inIndex = 0.15
        static let inTable = 0.6
        /// Gathered rows are anywhere, or close together.
        static let scattered = 2.0
        static let clustered = 1.0
    }

    /// Whether the list's order has fewer matches at its beginning than elsewhere.
    var isClustered: Bool { Double(before) > 4 * Double(size) / Double(matches + 1) }

    /// Whether finding all matches by their keys is cheaper than walking the list until the page is full.
    ///
    /// - Parameters:
    ///   - end: Matches up to the end of the page.
    ///   - order: What gives the list its order.
    func isGatheringCheaper(upTo end: Int64, in order: Order) -> Bool {
        guard matches > 0, size > 0 else { return true }
        let share = Double(matches) / Double(size)
        let skipped = isClustered ? Double(listed) * Double(before) / Double(size) : 0
        let walked = min(Double(listed), max(Double(end) / share, skipped))
        let cost =
            switch order {
            case .index: walked * Cost.inIndex
            case .table: walked * Cost.inTable
            case .sorting: Double(listed) * Cost.inTable
            }
        return Double(estimate) * (isClustered ? Cost.clustered : Cost.scattered) < cost
    }

    /// What gives a list its order.
    enum Order {
        /// An index that has the text as well.
        case index
        /// An index that has not.
        case table
        case sorting
    }
}
