public import Messages
public import Model
import Synchronization

/// Where messages go. Safe from any thread; replaced as a whole when queues change.
public final class QueueRouting: Sendable {
    private struct Key: Hashable {
        var name: String
        var tenant: TenantID?
    }

    private struct Table {
        var routes: [Key: QueueRoute] = [:]
        /// Whether anybody has queues of their own.
        var hasIsolated = false
    }

    private let table: Mutex<Table>

    /// - Parameter routes: among them a shared one named `Main`.
    public init(_ routes: [QueueRoute]) {
        table = Mutex(Self.table(routes))
    }

    public func replace(_ routes: [QueueRoute]) {
        let made = Self.table(routes)
        table.withLock { $0 = made }
    }

    public var routes: [QueueRoute] { table.withLock { Array($0.routes.values) } }

    private static func table(_ routes: [QueueRoute]) -> Table {
        let keyed = routes.map { (Key(name: $0.name, tenant: $0.isolatedTenant), $0) }
        let table = Table(
            routes: Dictionary(keyed) { _, last in last }, hasIsolated: routes.contains { $0.isolatedTenant != nil })
        precondition(table.routes[Key(name: QueueRoute.main, tenant: nil)] != nil, "there is no queue Main")
        return table
    }

    /// The queue of a tenant's messages (`cluster.md` 4.4): its own of that name, the shared one of that name, the shared
    /// `Main`.
    public func route(tenant: TenantID, queueName: String?) -> QueueRoute {
        table.withLock { table in
            let name = queueName ?? QueueRoute.main
            if table.hasIsolated, let own = table.routes[Key(name: name, tenant: tenant)] { return own }
            if let shared = table.routes[Key(name: name, tenant: nil)] { return shared }
            return table.routes[Key(name: QueueRoute.main, tenant: nil)]!  // Checked when the table was made.
        }
    }
}
