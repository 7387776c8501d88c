// MQTTProtocol
