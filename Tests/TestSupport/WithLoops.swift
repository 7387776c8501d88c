public import Reactor

/// Runs `body` with a started loop, which has ended when this returns.
@discardableResult
public func withLoop<R>(_ body: (EventLoop) async throws -> R) async throws -> R {
    try await withLoops(1) { try await body($0[0]) }
}

/// Runs `body` with `count` started loops, which have ended when this returns.
@discardableResult
public func withLoops<R>(_ count: Int, _ body: ([EventLoop]) async throws -> R) async throws -> R {
    let group = try EventLoopGroup(count: count, name: "test")
    group.start()
    defer {
        group.stop()
        group.join()
    }
    return try await body(group.loops)
}
