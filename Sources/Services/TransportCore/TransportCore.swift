// TransportCore
