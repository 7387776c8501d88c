import MQTTProtocol
import Messages
import TransportCore

/// SUBSCRIBE and UNSUBSCRIBE (`device-api.md` 2.7).
extension MQTTConnection {
    func receive(_ subscribe: MQTTSubscribe, _ session: OpenSession) {
        let profileFilter = session.info.profile.mqtt.attributesSubscribeTopicFilter
        var codes: [MQTTReasonCode] = []
        for subscription in subscribe.subscriptions {
            guard let filter = DownlinkFilter.named(subscription.topicFilter, profileFilter: profileFilter) else {
                codes.append(version == .v5 ? .topicFilterInvalid : .unspecifiedError)
                continue
            }
            // More than the limits let pass closes, as it does for PUBLISH, in place of a grant without effect.
            guard !filter.concernsCore || admits(session) else { return }
            guard tellCore(filter, isSubscribed: true, session) else {
                codes.append(version == .v5 ? .implementationSpecificError : .unspecifiedError)
                continue
            }
            let granted = DownlinkFilter.granted(subscription.qos)
            downlinks.subscriptions.add(filter, qos: granted)
            codes.append(.granted(granted))
        }
        let suback = MQTTSuback(packetIdentifier: subscribe.packetIdentifier, reasonCodes: codes)
        write { [version] in suback.encode(version: version, into: &$0) }
    }

    func receive(_ unsubscribe: MQTTUnsubscribe, _ session: OpenSession) {
        let profileFilter = session.info.profile.mqtt.attributesSubscribeTopicFilter
        var codes: [MQTTReasonCode] = []
        for literal in unsubscribe.topicFilters {
            guard let filter = DownlinkFilter.named(literal, profileFilter: profileFilter),
                downlinksIfAny?.subscriptions.remove(filter) == true
            else {
                codes.append(.noSubscriptionExisted)
                continue
            }
            codes.append(
                tellCore(filter, isSubscribed: false, session) ? .success : .implementationSpecificError)
        }
        let unsuback = MQTTUnsuback(packetIdentifier: unsubscribe.packetIdentifier, reasonCodes: codes)
        write { [version] in unsuback.encode(version: version, into: &$0) }
    }

    /// Attribute updates and calls come from the core; the other filters only say a QoS.
    private func tellCore(_ filter: DownlinkFilter, isSubscribed: Bool, _ session: OpenSession) -> Bool {
        switch filter.kind {
        case .attributes:
            transport.transport.send(
                .subscribeToAttributes(session.info, isSubscribed: isSubscribed), of: session.info)
        case .rpcRequest:
            transport.transport.send(.subscribeToRPC(session.info, isSubscribed: isSubscribed), of: session.info)
        default: true
        }
    }
}
