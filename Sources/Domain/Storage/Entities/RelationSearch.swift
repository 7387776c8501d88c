public import Model

/// A walk along relations from an entity, level by level (`rest-api.md` 3.3, EntityRelationsQuery).
///
/// Every entity is visited once, so circles end; depth and number of relations are bounded.
public struct RelationSearch: Sendable {
    public var root: EntityID
    public var direction: RelationDirection
    public var group: RelationTypeGroup
    /// How many relations far; 0 or less as far as ``deepest``.
    public var maximumLevel: Int
    /// Only relations of the last level, or behind which nothing follows.
    public var onlyLastLevel: Bool

    /// Levels that a walk has at most (`SQL_RELATIONS_MAX_LEVEL` of the reference platform).
    public static let deepest = 50
    /// Relations that a walk or list gathers at most.
    public static let mostRelations = 100_000

    /// What is wrong with a walk.
    public enum Failure: Error, Equatable {
        case tooManyRelations(limit: Int)
    }

    public init(
        root: EntityID, direction: RelationDirection, group: RelationTypeGroup = .common, maximumLevel: Int = 1,
        onlyLastLevel: Bool = false
    ) {
        self.root = root
        self.direction = direction
        self.group = group
        self.maximumLevel = maximumLevel
        self.onlyLastLevel = onlyLastLevel
    }

    /// The relations met, nearest first.
    public func run(on runner: any StatementRunner, limit: Int = mostRelations) async throws -> [EntityRelation] {
        let repository = RelationRepository(runner)
        let depth = maximumLevel > 0 ? min(maximumLevel, Self.deepest) : Self.deepest
        var visited: Set<EntityID> = [root]
        var level = [root]
        var found: [EntityRelation] = []
        var pending: [EntityRelation] = []
        var continued: Set<EntityID> = []
        for number in 1...depth {
            if level.isEmpty { break }
            let relations = try await repository.list(
                ofAll: level, direction, group: group, limit: limit - found.count + 1)
            if found.count + relations.count > limit { throw Failure.tooManyRelations(limit: limit) }
            if onlyLastLevel {
                continued.formUnion(relations.map { $0.target(direction == .from ? .to : .from) })
                found += pending.filter { !continued.contains($0.target(direction)) }
                if number == depth { found += relations } else { pending = relations }
            } else {
                found += relations
            }
            level = relations.map { $0.target(direction) }.filter { visited.insert($0).inserted }
            if level.isEmpty, onlyLastLevel, number < depth {
                found += pending.filter { !continued.contains($0.target(direction)) }
            }
        }
        return found
    }
}
