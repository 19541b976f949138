using System.Text.Json;
using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>Queries the frontend about a Dockerfile without a build: a BuildKit subrequest. The answer is a JSON document.</summary>
/// <remarks>
/// Source: moby/buildkit, frontend/subrequests and frontend/dockerui/requests.go. A plain Solve drops such an answer (only keys that begin
/// with <c>frontend.</c> reach the exporter's response), so the Solve starts without a frontend, and the gateway calls the frontend.
/// </remarks>
internal sealed class DockerfileQuery
{
    private const string ResultKey = "result.json";
    private const string Capability = "moby.buildkit.frontend.subrequests";

    private readonly EngineChannel _channel;
    private readonly EngineProfile _engine;
    private readonly ImageBuildRequest _build;
    private readonly string _reference = BuildIdentity.New();

    private DockerfileQuery(EngineChannel channel, EngineProfile engine, ImageBuildRequest build)
    {
        _channel = channel;
        _engine = engine;
        _build = build;
    }

    /// <summary>Sends a subrequest, such as <c>frontend.lint</c>. Of the build, only the inputs for reading the Dockerfile count.</summary>
    /// <exception cref="ImageBuildException">
    /// The Dockerfile is invalid, a context is the result of another build, or the engine does not support the subrequest.
    /// </exception>
    public static async Task<JsonElement> AskAsync(
        EngineChannel channel, EngineProfile engine, ImageBuildRequest build, string request, CancellationToken cancellationToken)
    {
        ImageBuild.RefuseTargets(engine, build);
        DockerfileQuery query = new(channel, engine, build);
        return await query.AskAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<JsonElement> AskAsync(string request, CancellationToken cancellationToken)
    {
        DockerfileContent? dockerfile = DockerfileContent.Of(_build, cancellationToken);
        BuildInputs inputs = BuildInputs.Of(_build, dockerfile);
        InputServices services = new(_build, inputs);
        using DedicatedCallInvoker invoker = _channel.OpenDedicated();
        try
        {
            BuildSession session = await services.OpenSessionAsync(invoker, Bind, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                return await AskAsync(session, inputs, request, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (RpcException e) when (IsUnknownRequest(e))
        {
            throw new ImageBuildException(
                BuildFailureKind.Unsupported,
                $"The engine {_engine.Address} does not support this: its Dockerfile frontend does not support the request '{request}'.",
                e)
            {
                Address = _engine.Address.ToString(),
                Ref = _reference,
                Hint = request == DockerfileChecks.RequestId
                    ? "Build checks require BuildKit 0.15 or later. An engine that can pull images also supports them with '# syntax=docker/dockerfile:1' as the first line."
                    : null,
            };
        }
        catch (Exception e) when (e is RpcException or EngineConnectException)
        {
            throw BuildFailure.From(BuildFailure.Lost(e), new BuildModel(), _engine.Address.ToString(), _reference, services.Failure, _build, dockerfile);
        }

        void Bind(GrpcServer server)
        {
            inputs.CreateContentStores().BindTo(server);

            // Base images are resolved too, and their registry may require credentials.
            Auth.BindService(server, InputServices.CreateAuth(_build, dockerfile));
        }
    }

    private static bool IsUnknownRequest(RpcException e)
    {
        BuildKitErrorDetails details = BuildKitErrorDetails.From(e);
        return details.UnsupportedSubrequest is not null || details.MissingFrontendCapability is not null;
    }

    private async Task<JsonElement> AskAsync(BuildSession session, BuildInputs inputs, string request, CancellationToken cancellationToken) => await GatewayBuild.RunAsync(
        _channel,
        session,
        _reference,
        _build.SourcePolicy,
        async (gateway, stop) => Read(await AskAsync(gateway, inputs, request, stop).ConfigureAwait(false), request),
        cancellationToken).ConfigureAwait(false);

    private async Task<Gateway.SolveResponse> AskAsync(Gateway.LLBBridge.LLBBridgeClient gateway, BuildInputs inputs, string request, CancellationToken cancellationToken)
    {
        Gateway.SolveRequest asked = new() { Frontend = SolveRequestFactory.Frontend, AllowResultReturn = true, AllowResultArrayRef = true };
        FrontendAttributes.AddTo(asked.FrontendOpt, _build, _engine, inputs);
        asked.FrontendOpt["requestid"] = request;
        asked.FrontendOpt["frontend.caps"] = asked.FrontendOpt.TryGetValue("frontend.caps", out string? others) ? $"{others},{Capability}" : Capability;
        return await gateway.SolveAsync(asked, GatewayCalls.Of(_reference, cancellationToken)).ConfigureAwait(false);
    }

    private static JsonElement Read(Gateway.SolveResponse response, string request)
    {
        if (response.Result is null || !response.Result.Metadata.TryGetValue(ResultKey, out Google.Protobuf.ByteString? json))
        {
            throw CallErrors.Create(StatusCode.Internal, $"the frontend's answer to '{request}' has no {ResultKey}");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json.Memory);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw CallErrors.Create(StatusCode.Internal, $"the frontend's answer to '{request}' is not JSON", e);
        }
    }
}
