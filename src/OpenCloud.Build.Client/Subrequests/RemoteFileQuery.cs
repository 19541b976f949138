using System.Globalization;
using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>
/// Has the engine fetch an address as it fetches a context, and reads files of it. The Dockerfile frontend takes the address, so that every form
/// that a build takes works, with the same credentials. Only the files asked for are copied; nothing runs.
/// </summary>
/// <remarks>
/// Source: moby/buildkit, frontend/dockerui/context.go: a file over HTTP that is no archive is a context with the file <c>context</c>, and the
/// Dockerfile has that name, too.
/// </remarks>
internal sealed class RemoteFileQuery
{
    private const string SingleFile = "context";
    private const int MostFiles = 100;

    private readonly EngineChannel _channel;
    private readonly EngineProfile _engine;
    private readonly RemoteFilesRequest _request;
    private readonly IReadOnlyList<string> _names;
    private readonly bool _mayBeSingle;
    private readonly ImageBuildRequest _build;
    private readonly string _reference = BuildIdentity.New();

    private RemoteFileQuery(EngineChannel channel, EngineProfile engine, RemoteFilesRequest request)
    {
        _channel = channel;
        _engine = engine;
        _request = request;
        _names = NamesOf(request);

        // Anywhere else, a file or a whole directory of this name is one of many.
        _mayBeSingle = ContextLocation.Parse(request.Address).Kind == ContextKind.Http;

        // A pattern may match nothing; a name of which one letter is in brackets matches only itself.
        StringBuilder dockerfile = new("FROM scratch\n");
        Dictionary<string, string> arguments = new(StringComparer.Ordinal);
        foreach ((int place, string name) in _names.Concat(_mayBeSingle ? [SingleFile] : []).Index())
        {
            arguments[$"FILE{place}"] = PatternOf(name);
            dockerfile.Append(CultureInfo.InvariantCulture, $"ARG FILE{place}\nCOPY [\"$FILE{place}\", \"/{place}\"]\n");
        }

        _build = new ImageBuildRequest { ContextPath = request.Address, DockerfileText = dockerfile.ToString(), BuildArguments = arguments, Secrets = request.Secrets, Ssh = request.Ssh };
    }

    /// <exception cref="ArgumentException">The address is none, or a name is not a relative path.</exception>
    /// <exception cref="ImageBuildException">The engine cannot fetch the address, or a file is not there.</exception>
    public static async Task<RemoteFiles> AskAsync(EngineChannel channel, EngineProfile engine, RemoteFilesRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!ContextLocation.IsAddress(request.Address))
        {
            throw new ArgumentException($"'{request.Address}' is not an address.", nameof(request));
        }

        if (NamesOf(request) is var names && (names.Count > MostFiles || names.Any(static n => PatternOf(n).Length == 0)))
        {
            throw new ArgumentException($"A name is not a relative path within the address, or there are more than {MostFiles}.", nameof(request));
        }

        RemoteFileQuery query = new(channel, engine, request);
        return await query.AskAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<RemoteFiles> AskAsync(CancellationToken cancellationToken)
    {
        BuildInputs inputs = BuildInputs.OfAddress(_build, [BuildContext.DefaultDockerfile, SingleFile]);
        InputServices services = new(_build, inputs);
        using DedicatedCallInvoker invoker = _channel.OpenDedicated();
        try
        {
            using SecretsService secrets = new(_build.Secrets, cancellationToken);
            using SshService ssh = new(_build.Ssh);
            BuildSession session = await services.OpenSessionAsync(invoker, Bind, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                return await GatewayBuild.RunAsync(_channel, session, _reference, null, (gateway, stop) => ReadAsync(gateway, inputs, stop), cancellationToken).ConfigureAwait(false);
            }

            void Bind(GrpcServer server)
            {
                Protocol.Secrets.Secrets.BindService(server, secrets);
                ssh.BindTo(server);
            }
        }
        catch (Exception e) when (e is RpcException or EngineConnectException)
        {
            throw BuildFailure.From(BuildFailure.Lost(e), new BuildModel(), _engine.Address.ToString(), _reference, services.Failure, _build);
        }
        catch (IOException e)
        {
            throw Refuse(e.Message, e);
        }
    }

    private async Task<RemoteFiles> ReadAsync(Gateway.LLBBridge.LLBBridgeClient gateway, BuildInputs inputs, CancellationToken cancellationToken)
    {
        Gateway.SolveRequest asked = new() { Frontend = SolveRequestFactory.Frontend, AllowResultReturn = true, AllowResultArrayRef = true };
        FrontendAttributes.AddTo(asked.FrontendOpt, _build, _engine, inputs);
        Gateway.SolveResponse solved = await gateway.SolveAsync(asked, Options()).ConfigureAwait(false);
        string result = solved.Result?.Ref?.Id ?? throw CallErrors.Create(StatusCode.Internal, "the frontend's answer has no result");
        Gateway.ReadDirResponse listed = await gateway.ReadDirAsync(new Gateway.ReadDirRequest { Ref = result, DirPath = "/" }, Options()).ConfigureAwait(false);
        Dictionary<string, Stat> found = new(StringComparer.Ordinal);
        foreach (Stat entry in listed.Entries)
        {
            found[entry.Path.Trim('/')] = entry;
        }

        (string Name, Stat? Entry)[] named = [.. _names.Select((name, place) => (name, found.GetValueOrDefault(Key(place))))];

        // An archive may have a file of this name, too; then it has others of those that were asked for.
        if (_mayBeSingle && found.TryGetValue(Key(_names.Count), out Stat? single) && IsFile(single) && Array.TrueForAll(named, static n => n.Entry is null))
        {
            return new RemoteFiles(true, [await ReadAsync(single, NameOf(_request.Address)).ConfigureAwait(false)]);
        }

        if (_request.Names.Count > 0 && Array.Find(named, static n => n.Entry is null) is { Name: { } missing })
        {
            throw Refuse($"it has no file '{TerminalText.Name(missing)}'.");
        }

        List<RemoteFile> files = [];
        foreach ((string name, Stat? entry) in named)
        {
            if (entry is not null)
            {
                files.Add(await ReadAsync(entry, name).ConfigureAwait(false));
            }
        }

        return new RemoteFiles(false, files);

        async Task<RemoteFile> ReadAsync(Stat entry, string name)
        {
            if (!IsFile(entry))
            {
                throw Refuse($"'{TerminalText.Name(name)}' is not a file.");
            }

            Gateway.ReadFileRequest request = new() { Ref = result, FilePath = "/" + entry.Path.Trim('/'), Range = new Gateway.FileRange { Length = _request.MaxBytes + 1L } };
            Google.Protobuf.ByteString data = (await gateway.ReadFileAsync(request, Options()).ConfigureAwait(false)).Data;
            return data.Length <= _request.MaxBytes ? new RemoteFile(name, data.Memory) : throw Refuse($"'{TerminalText.Name(name)}' has more than {_request.MaxBytes} bytes.");
        }

        CallOptions Options() => GatewayCalls.Of(_reference, cancellationToken);

        static string Key(int place) => place.ToString(CultureInfo.InvariantCulture);
    }

    private static IReadOnlyList<string> NamesOf(RemoteFilesRequest request) => request.Names.Count > 0 ? request.Names : request.DefaultNames;

    private static bool IsFile(Stat entry) => (entry.Mode & GoFileMode.TypeMask) == 0;

    private static string NameOf(string address) => address.Split('#', '?')[0].TrimEnd('/').Split('/')[^1];

    /// <summary>A pattern that matches a name alone; empty for what is no relative path.</summary>
    internal static string PatternOf(string name)
    {
        bool isPath = name.Length is > 0 and <= 4096 && !name.Contains('\0', StringComparison.Ordinal) && name.Split('/').All(static p => p is not ("" or "." or "..")) && name.Any(char.IsAsciiLetterOrDigit);
        if (!isPath)
        {
            return string.Empty;
        }

        StringBuilder pattern = new();
        bool isBracketed = false;
        foreach (char c in name)
        {
            if (!isBracketed && char.IsAsciiLetterOrDigit(c))
            {
                pattern.Append('[').Append(c).Append(']');
                isBracketed = true;
            }
            else
            {
                _ = c is '*' or '?' or '[' or ']' or '\\' ? pattern.Append('\\').Append(c) : pattern.Append(c);
            }
        }

        return pattern.ToString();
    }

    private ImageBuildException Refuse(string message, Exception? cause = null) =>
        new(BuildFailureKind.InvalidRequest, message, cause) { Address = _engine.Address.ToString(), Ref = _reference };
}
