public import Model

/// What becomes of a result (`rule-engine.md` 7.4).
public struct FieldOutput: Sendable, Equatable {
    public enum Target: Sendable, Equatable {
        case timeSeries
        case attributes(AttributeScope)
    }

    public enum Strategy: Sendable, Equatable {
        /// A message to the entity's default chain.
        case ruleChain
        case saveTimeSeries(TimeSeriesSaving)
        case saveAttributes(AttributesSaving)
    }

    /// Saved at once, without a rule chain.
    public struct TimeSeriesSaving: Sendable, Equatable {
        public var savesHistory: Bool
        public var savesLatest: Bool
        public var tellsSockets: Bool
        /// Whether other fields hear of it.
        public var feedsFields: Bool

        public init(savesHistory: Bool, savesLatest: Bool, tellsSockets: Bool, feedsFields: Bool) {
            self.tellsSockets = tellsSockets
            self.savesHistory = savesHistory
            self.savesLatest = savesLatest
            self.feedsFields = feedsFields
        }
    }

    /// The same for attributes.
    public struct AttributesSaving: Sendable, Equatable {
        public var isSaved: Bool
        public var onlyChanged: Bool
        public var notifies: Bool
        public var tellsSockets: Bool
        public var feedsFields: Bool

        public init(isSaved: Bool, onlyChanged: Bool, notifies: Bool, tellsSockets: Bool, feedsFields: Bool) {
            self.tellsSockets = tellsSockets
            self.isSaved = isSaved
            self.onlyChanged = onlyChanged
            self.notifies = notifies
            self.feedsFields = feedsFields
        }
    }

    public var target: Target
    /// Of the result of a `SIMPLE` field.
    public var name: String
    /// Digits behind the point; `nil` for all.
    public var decimals: Int?
    public var strategy: Strategy

    public init(target: Target = .timeSeries, name: String, decimals: Int? = nil, strategy: Strategy = .ruleChain) {
        self.target = target
        self.name = name
        self.decimals = decimals
        self.strategy = strategy
    }
}
