/// The membership of a process that is alone: it owns every partition, for good.
public struct StaticMembership: Membership {
    public let local: ClusterMember
    public let view: MembershipView

    public init(local: ClusterMember) {
        self.local = local
        view = MembershipView(epoch: 1, members: [local])
    }

    public init(id: String) {
        self.init(local: ClusterMember(id: id, roles: Set(ServiceRole.allCases)))
    }

    public func views() -> AsyncStream<MembershipView> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MembershipView.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield(view)
        return stream
    }
}
