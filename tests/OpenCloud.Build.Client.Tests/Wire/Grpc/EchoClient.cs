using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

/// <summary>Calls to the methods of <see cref="GrpcPeer"/>, on any invoker.</summary>
internal static class EchoClient
{
    private static readonly Marshaller<BytesMessage> Bytes = Marshallers.Create(
        static (message, context) =>
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        },
        static context => BytesMessage.Parser.ParseFrom(context.PayloadAsReadOnlySequence()));

    public static BytesMessage Message(int size) => new() { Data = ByteString.CopyFrom(new byte[size]) };

    public static Task<BytesMessage> EchoAsync(this CallInvoker invoker, BytesMessage message, CallOptions options) =>
        invoker.AsyncUnaryCall(Method(MethodType.Unary), null, options, message).ResponseAsync;

    public static Task<BytesMessage> EchoAsync(this CallInvoker invoker, BytesMessage message, CancellationToken cancellationToken) =>
        invoker.EchoAsync(message, new CallOptions(cancellationToken: cancellationToken));

    public static IAsyncEnumerable<BytesMessage> ListAsync(this CallInvoker invoker, BytesMessage message, CancellationToken cancellationToken) =>
        invoker.AsyncServerStreamingCall(Method(MethodType.ServerStreaming), null, new CallOptions(cancellationToken: cancellationToken), message).ReadAllAsync();

    public static AsyncDuplexStreamingCall<BytesMessage, BytesMessage> Talk(this CallInvoker invoker, CancellationToken cancellationToken, Metadata? headers = null) =>
        invoker.AsyncDuplexStreamingCall(Method(MethodType.DuplexStreaming), null, new CallOptions(headers, cancellationToken: cancellationToken));

    public static Task<BytesMessageStream> OpenStreamAsync(this CallInvoker invoker, CancellationToken cancellationToken, Metadata? headers = null) =>
        BytesMessageStream.OpenAsync(invoker.Talk(cancellationToken, headers));

    private static Method<BytesMessage, BytesMessage> Method(MethodType type) => new(type, "test.Echo", "Echo", Bytes, Bytes);
}
