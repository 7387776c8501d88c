internal import Model

/// Which devices are still to be taken up while they are read, page by page: what is given up meanwhile belongs to another
/// node, which alone may notice its inactivity. Owned by the loop of ``DeviceCore``.
final class StateRestoration {
    private var conditions: [(DeviceID) -> Bool]

    init(where isOwned: @escaping (DeviceID) -> Bool) {
        conditions = [isOwned]
    }

    func isOwned(_ device: DeviceID) -> Bool { conditions.allSatisfy { $0(device) } }

    /// What does not meet the condition is not owned any more.
    func narrow(to isOwned: @escaping (DeviceID) -> Bool) { conditions.append(isOwned) }
}
