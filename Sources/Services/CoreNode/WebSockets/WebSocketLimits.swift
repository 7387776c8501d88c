internal import Model
internal import Storage
internal import Synchronization

/// Sessions and subscriptions of tenants, customers and users, counted against the tenant's profile (`websocket-api.md`
/// 10.2). Each core node counts its own. Safe from any thread.
final class WebSocketLimits: Sendable {
    enum Counted: Sendable {
        case sessions, subscriptions

        fileprivate var key: String { self == .sessions ? "maxWsSessionsPer" : "maxWsSubscriptionsPer" }
        fileprivate var word: String { self == .sessions ? "sessions" : "subscriptions" }
    }

    private struct Slot: Hashable {
        var counted: Counted
        var kind: String
        var owner: UUID128
    }

    private let counts = Mutex<[Slot: Int]>([:])
    private let limits: TenantLimits

    init(_ limits: TenantLimits) { self.limits = limits }

    /// Takes a slot everywhere where it counts.
    ///
    /// - Throws: The reason to close the session with, when there is none.
    func take(_ counted: Counted, _ principal: Principal, now: Int64) async throws {
        let slots = Self.slots(counted, principal)
        var bounds: [Int64] = []
        for slot in slots {
            bounds.append(
                try await limits.number(counted.key + slot.kind, tenant: principal.tenantID, now: now))
        }
        let exceeded: Slot? = counts.withLock { counts in
            for (slot, bound) in zip(slots, bounds) where bound > 0 && Int64(counts[slot] ?? 0) >= bound { return slot }
            for slot in slots { counts[slot, default: 0] += 1 }
            return nil
        }
        guard let exceeded else { return }
        throw WebSocketLimitReached(
            reason:
                "Max \(Self.name(exceeded.kind)) \(counted.word) limit reached\(exceeded.kind == "Tenant" ? "!" : "")")
    }

    func give(_ counted: Counted, _ principal: Principal, count: Int = 1) {
        guard count > 0 else { return }
        counts.withLock { counts in
            for slot in Self.slots(counted, principal) {
                let left = (counts[slot] ?? 0) - count
                counts[slot] = left > 0 ? left : nil
            }
        }
    }

    /// System administrators are not limited, and tenant administrators with their tenant only.
    private static func slots(_ counted: Counted, _ principal: Principal) -> [Slot] {
        if principal.authority == .systemAdministrator { return [] }
        var slots = [Slot(counted: counted, kind: "Tenant", owner: principal.tenantID.uuid)]
        guard principal.authority == .customerUser else { return slots }
        slots.append(Slot(counted: counted, kind: "Customer", owner: principal.customerID.uuid))
        slots.append(
            principal.isPublic
                ? Slot(counted: counted, kind: "PublicUser", owner: principal.tenantID.uuid)
                : Slot(counted: counted, kind: "RegularUser", owner: principal.userID.uuid))
        return slots
    }

    private static func name(_ kind: String) -> String {
        switch kind {
        case "RegularUser": "regular user"
        case "PublicUser": "public user"
        default: kind.lowercased()
        }
    }
}

struct WebSocketLimitReached: Error {
    var reason: String
}
