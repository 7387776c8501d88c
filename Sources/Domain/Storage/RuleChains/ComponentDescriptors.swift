public import Model
internal import Postgres

/// Table `component_descriptor`: the kinds of nodes that editors offer.
public struct ComponentDescriptor: Sendable {
    public var id: UUID128
    public var createdTime: Int64
    public var component: String
    public var scope: String
    public var clusteringMode: String
    public var name: String
    public var type: String
    public var configurationVersion: Int64
    public var actions: String?
    public var hasQueueName: Bool
    public var configurationDescriptor: RawJSON?

    static let columns = """
        id, created_time, type, scope, clustering_mode, name, clazz, configuration_version, actions, has_queue_name, \
        configuration_descriptor
        """

    init(_ row: PostgresRow) {
        id = row.id(0) ?? .null
        createdTime = row.int8(1) ?? 0
        component = row.text(2) ?? ""
        scope = row.text(3) ?? ""
        clusteringMode = row.text(4) ?? ""
        name = row.text(5) ?? ""
        type = row.text(6) ?? ""
        configurationVersion = row.int8(7) ?? 0
        actions = row.text(8)
        hasQueueName = row.bool(9) ?? false
        configurationDescriptor = row.document(10)
    }
}

public struct ComponentDescriptorRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Descriptors of some components by name.
    public func find(components: [String]) async throws -> [ComponentDescriptor] {
        try await runner.query(
            "SELECT \(ComponentDescriptor.columns) FROM component_descriptor WHERE type = ANY($1) ORDER BY type, name",
            [.textArray(components)]
        ).map(ComponentDescriptor.init)
    }

    public func find(type: String) async throws -> ComponentDescriptor? {
        try await runner.query(
            "SELECT \(ComponentDescriptor.columns) FROM component_descriptor WHERE clazz = $1", [.text(type)]
        ).first.map(ComponentDescriptor.init)
    }

    /// Makes the table hold exactly the nodes that this program runs. At every start of an installation; in the
    /// caller's transaction. Blocks.
    static func install(on connection: PostgresConnection) throws(PostgresError) {
        var clock = EntityClock.starting()
        for descriptor in RuleNodeDescriptor.all {
            let (id, time) = clock.tick()
            try connection.query(
                """
                INSERT INTO component_descriptor (id, created_time, type, scope, clustering_mode, name, clazz,
                    configuration_descriptor, configuration_version, has_queue_name)
                VALUES ($1, $2, $3, 'TENANT', 'ENABLED', $4, $5, $6, $7, $8)
                ON CONFLICT (clazz) DO UPDATE SET type = excluded.type, name = excluded.name,
                    configuration_descriptor = excluded.configuration_descriptor,
                    configuration_version = excluded.configuration_version, has_queue_name = excluded.has_queue_name
                """,
                [
                    .uuid(id), .int8(time), .text(descriptor.component.rawValue), .text(descriptor.name),
                    .text(descriptor.type), .text(descriptor.configurationDescriptor),
                    .int4(Int32(descriptor.configurationVersion)), .boolean(descriptor.hasQueueName),
                ])
        }
        try connection.query(
            "DELETE FROM component_descriptor WHERE NOT clazz = ANY($1)",
            [.textArray(RuleNodeDescriptor.all.map(\.type))])
    }
}
