using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Fuzz;

/// <summary>The parsers of what comes from outside. Each may refuse its input by the project's own errors and by nothing else.</summary>
internal static class Targets
{
    private static readonly string[] DetailTypes =
    [
        "errdefs.Source+json", "errdefs.Vertex+json", "errdefs.Subrequest+json", "errdefs.FrontendCap+json", "errdefs.Frontend+json", "gatewayapi.ExitMessage+json", "errdefs.Solve+json",
    ];

    internal static readonly string Scratch = Directory.CreateTempSubdirectory("ocb-fuzz-").FullName;

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>
    {
        ["hpack"] = Hpack,
        ["frames"] = static input => Frames(input, Http2Role.Server),
        ["answers"] = static input => Frames(input, Http2Role.Client),
        ["packets"] = static input => Refusing<ContextException>(() => PacketCodec.Read(input)),
        ["archives"] = static input => Refusing<OciFormatException>(() => OpenArchive(input)),
        ["manifests"] = Manifests,
        ["patterns"] = PatternTarget.Run,
        ["ignore-files"] = static input => Refusing<ContextException>(() => IgnoreFile.Parse(input).Explain("a/b/c.d")),
        ["dockerfiles"] = static input => Refusing<DockerfileException>(() => DockerfileText.Parse(Encoding.UTF8.GetString(input)).FindImages()),
        ["status"] = Status,
        ["answers-json"] = Answers,
        ["configuration"] = static input => Refusing<IOException>(() => Configuration(input)),
        ["policies"] = static input => Refusing<FormatException>(() => SourcePolicy.Parse(Encoding.UTF8.GetString(input))),
        ["names"] = Names,
        ["terminal"] = Terminal,
        ["receiver"] = new ReceiverTarget(Scratch).Run,
        ["status-details"] = StatusDetails,
        ["tokens"] = Tokens,
        ["registry-headers"] = RegistryTarget.Headers,
        ["registry-answers"] = RegistryTarget.Answers,
        ["registry-hosts"] = static input => RegistryTarget.Hosts(input, Scratch),
        ["statements"] = RegistryTarget.Statement,
        ["records"] = Records,
        ["provenance"] = Provenance,
        ["bake-hcl"] = static input => DefinitionTarget.Run(input, DefinitionLanguage.Hcl),
        ["bake-json"] = static input => DefinitionTarget.Run(input, DefinitionLanguage.Json),
        ["compose"] = static input => DefinitionTarget.Run(input, DefinitionLanguage.Compose),
        ["sboms"] = VulnerabilityTarget.Sbom,
        ["vulnerabilities"] = VulnerabilityTarget.Data,
        ["scanner-reports"] = VulnerabilityTarget.Report,
        ["versions"] = VulnerabilityTarget.Versions,
        ["pods"] = KubernetesTarget.Pods,
        ["kubectl"] = KubernetesTarget.Texts,
    };

    internal static void Refusing<T>(Action parse)
        where T : Exception
    {
        try
        {
            parse();
        }
        catch (T)
        {
        }
    }

    private static void Hpack(byte[] input)
    {
        HpackDecoder decoder = new(4096);
        Refusing<Http2Exception>(() =>
        {
            HeaderList headers = [];
            decoder.Decode(input, headers, 64 * 1024);
        });
    }

    private static void Frames(byte[] input, Http2Role role)
    {
        using Http2Connection connection = new(new Http2Options(), new Listener(), role);
        Refusing<Http2Exception>(() =>
        {
            byte[] whole = role == Http2Role.Server ? [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. input] : input;
            connection.Receive(whole);
        });
    }

    private static void OpenArchive(byte[] input)
    {
        string path = Path.Combine(Scratch, "archive");
        File.WriteAllBytes(path, input);
        using ImageArchive archive = ImageArchive.OpenAsync(path).GetAwaiter().GetResult();
    }

    private static void Manifests(byte[] input)
    {
        Refusing<OciFormatException>(() => OciManifest.Parse(input, OciMediaTypes.Manifest, "it"));
        Refusing<OciFormatException>(() => OciManifest.Parse(input, OciMediaTypes.Index, "it"));
        Refusing<OciFormatException>(() => OciImageConfig.Parse(input, "it"));
    }

    private static void Status(byte[] input)
    {
        StatusResponse response;
        try
        {
            response = StatusResponse.Parser.ParseFrom(input);
        }
        catch (InvalidProtocolBufferException)
        {
            return;
        }

        BuildModel model = new();
        List<string> lines = [];
        BuildLogWriter writer = new(lines.Add);
        model.Apply(response).ForEach(writer.Write);
        model.Apply(response).ForEach(writer.Write);
        model.Complete().ForEach(writer.Write);
        lines.ForEach(CheckPlain);
    }

    private static void Answers(byte[] input)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(input);
            _ = DockerfileChecks.From(document.RootElement);
            _ = DockerfileOutline.From(document.RootElement);
            _ = DockerfileTarget.ListFrom(document.RootElement);
        }
        catch (JsonException)
        {
        }
    }

    private static void Configuration(byte[] input)
    {
        File.WriteAllBytes(Path.Combine(Scratch, "config.json"), input);
        _ = DockerConfigFile.Read(Scratch);
    }

    private static void Names(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        if (text.Length == 0)
        {
            // Refused by the callers' contract.
            return;
        }

        if (ImageReference.TryParse(text, out ImageReference? reference) && !ImageReference.TryParse(reference.ToString(), out _))
        {
            throw new InvalidOperationException("a reference does not read what it writes");
        }

        _ = Platform.TryParse(text, out _, out _);
        _ = ContentDigest.TryParse(text, out _);
        _ = ContextLocation.IsAddress(text);
        _ = MissingFile.In(text);
        Refusing<FormatException>(() => BuildOutput.Parse(text));
        Refusing<FormatException>(() => BuildCache.Parse(text));
        Refusing<FormatException>(() => Client.Engines.EngineAddress.Parse(text));
    }

    private static void Terminal(byte[] input)
    {
        string plain = TerminalText.Plain(Encoding.UTF8.GetString(input));
        CheckPlain(plain);
        if (TerminalText.Plain(plain) != plain)
        {
            throw new InvalidOperationException("what is plain is changed again");
        }
    }

    // The first byte says which detail; the whole is read as a status as well.
    private static void StatusDetails(byte[] input)
    {
        _ = BuildKitErrorDetails.From(CallErrors.DetailsOf(CallErrors.Create(StatusCode.Unknown, "failed", trailers: new Metadata { { CallErrors.DetailsField, input } })));
        if (input.Length > 0)
        {
            string type = DetailTypes[input[0] % DetailTypes.Length];
            _ = BuildKitErrorDetails.From([new Any { TypeUrl = "github.com/moby/buildkit/" + type, Value = UnsafeByteOperations.UnsafeWrap(input.AsMemory(1)) }]);
        }
    }

    private static void Tokens(byte[] input)
    {
        Refusing<JsonException>(() => TokenFetcher.Read(input));
        _ = RegistryRealms.RealmOf(Encoding.Latin1.GetString(input));
    }

    private static void Records(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        Refusing<HostException>(() => InstallationManifest.Parse(text, "it"));
        Refusing<HostException>(() => ChangeJournal.Parse(text, "it"));
    }

    private static void Provenance(byte[] input)
    {
        Refusing<HostException>(() => ReleaseProvenance.SubjectSha256(input, "a"));
        Refusing<HostException>(() => ReleaseProvenance.AssetSha256(input, "a"));
    }

    internal static void CheckPlain(string text)
    {
        if (text.Any(static c => char.IsControl(c) && c is not ('\t' or '\n')))
        {
            throw new InvalidOperationException("a control character is left");
        }
    }

    private sealed class Listener : IHttp2ConnectionEvents
    {
        public void OnHeaders(Http2Stream stream, HeaderList headers)
        {
        }

        public void OnData(Http2Stream stream, ReadOnlySpan<byte> data)
        {
        }

        public void OnEnded(Http2Stream stream, HeaderList? trailers)
        {
        }

        public void OnReset(Http2Stream stream, Http2ErrorCode errorCode, bool byPeer)
        {
        }

        public void OnWritten(Http2Stream stream)
        {
        }

        public void OnGoAway(int lastStreamId, Http2ErrorCode errorCode)
        {
        }
    }
}
