using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Images;

/// <summary>A containerd of the fixture, with a namespace of the test's own, and its own client to ask the same of.</summary>
internal sealed partial class ContainerdStore : IAsyncDisposable
{
    private readonly RunningEngine _engine;

    private ContainerdStore(RunningEngine engine)
    {
        _engine = engine;
        EngineAddress address = EngineAddress.ForUnixSocket(engine.ContainerdSocket!);
        EngineConnectOptions options = new();
        Client = new ContainerdClient(new EngineChannel(EngineConnectors.Create(address, options), options));
        Images = new ContainerdImageStore(Client, address.ToString());
        Folder = new ContextFolder();
    }

    public ContainerdClient Client { get; }

    public ContainerdImageStore Images { get; }

    public ContextFolder Folder { get; }

    public string Namespace { get; } = "test-" + Guid.NewGuid().ToString("n")[..8];

    public static async Task<ContainerdStore> CreateAsync(EngineFixture engines, string name)
    {
        return new ContainerdStore(await engines.GetAsync(name));
    }

    public static ContainerdStore Of(RunningEngine engine)
    {
        return new ContainerdStore(engine);
    }

    public LayoutBuilder NewLayout(string name = "layout")
    {
        return new LayoutBuilder(Folder.At(name));
    }

    /// <summary>Runs <c>ctr</c> in the test's namespace.</summary>
    public async Task<string> CtrAsync(params string[] arguments)
    {
        (string program, IReadOnlyList<string> all) = EngineScript.Inside(
            _engine, ["ctr", "--address", _engine.ContainerdSocket!, "--namespace", Namespace, .. arguments]);
        return (await Command.RunAsync(program, all, cancellationToken: TestContext.Current.CancellationToken)).Succeeded();
    }

    /// <summary>A table of <c>ctr</c>'s: rows by their first column, columns by their heading.</summary>
    public async Task<Dictionary<string, Dictionary<string, string>>> CtrTableAsync(params string[] arguments)
    {
        string[] lines = (await CtrAsync(arguments)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        List<(string Name, int Start)> columns = [.. Heading().Matches(lines[0]).Select(static m => (m.Value, m.Index))];
        return lines[1..].Select(line => columns.Select((column, i) =>
        {
            int end = i + 1 < columns.Count ? columns[i + 1].Start : line.Length;
            return (column.Name, Value: line[Math.Min(column.Start, line.Length)..Math.Min(end, line.Length)].Trim());
        }).ToDictionary(static c => c.Name, static c => c.Value)).ToDictionary(row => row[columns[0].Name]);
    }

    public async Task<List<ContainerImage>> ListAsync(ImageQuery? query = null)
    {
        List<ContainerImage> images = [];
        await foreach (ContainerImage image in Images.ListAsync(query ?? new ImageQuery { Namespaces = [Namespace] }, TestContext.Current.CancellationToken))
        {
            images.Add(image);
        }

        return images;
    }

    public async Task<ImageImportResult> ImportAsync(string path, bool force = false, params string[] names)
    {
        using ImageArchive archive = await ImageArchive.OpenAsync(path, TestContext.Current.CancellationToken);
        long bytes = 0;
        int moved = 0;
        int present = 0;
        foreach (ArchivedImage image in archive.Images)
        {
            ImageImportResult one = await Images.ImportAsync(
                Namespace, archive, image.Target, names.Length > 0 ? names : image.Names, new ImageImportOptions([], force, null), TestContext.Current.CancellationToken);
            bytes += one.BytesMoved;
            moved += one.ContentsMoved;
            present += one.ContentsPresent;
        }

        return new ImageImportResult(bytes, moved, present);
    }

    public async Task<List<string>> ContentsAsync()
    {
        List<string> digests = [];
        await foreach (Client.Protocol.Containerd.Content.Info info in Client.Content(Namespace).ListAsync(TestContext.Current.CancellationToken))
        {
            digests.Add(info.Digest);
        }

        digests.Sort(StringComparer.Ordinal);
        return digests;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Client.Protocol.Containerd.Images.Image image in await Client.ListImagesAsync(Namespace, default))
        {
            await Client.DeleteImageAsync(Namespace, image.Name, sync: false, default);
        }

        await Client.DisposeAsync();
        Folder.Dispose();
    }

    [GeneratedRegex(@"\S+")]
    private static partial Regex Heading();
}
