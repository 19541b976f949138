using Google.Protobuf;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>A method of a gRPC service.</summary>
/// <typeparam name="TRequest">What is sent.</typeparam>
/// <typeparam name="TResponse">What is answered.</typeparam>
/// <param name="Path">The path, as in <c>/moby.buildkit.v1.Control/Solve</c>.</param>
/// <param name="Parser">Parses an answer.</param>
internal sealed record GrpcMethod<TRequest, TResponse>(string Path, MessageParser<TResponse> Parser)
    where TRequest : IMessage<TRequest>
    where TResponse : IMessage<TResponse>;
