using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>A containerd of the fixture for this run only, with 5,000 images in one namespace and one in another.</summary>
internal sealed class BenchContainerd : IDisposable
{
    /// <summary>The namespace of many images.</summary>
    public const string Many = "many";

    /// <summary>The namespace of one image.</summary>
    public const string One = "one";

    /// <summary>How many images there are in <see cref="Many"/>; each has a manifest and a configuration of its own.</summary>
    public const int Count = 5000;

    // containerd 2 refuses archives of more than 10,000 descriptors.
    private const int Batch = 1000;

    private readonly string _folder;

    /// <summary>Starts and fills it.</summary>
    public BenchContainerd(string scratch)
    {
        Dictionary<string, string> fields = new CommandLine(Programs.Fixture, ["up", "--owner", $"{Environment.ProcessId}", "containerd-2"]).Capture()
            .Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        _folder = fields["folder"];
        Socket = fields["containerd"];
        Ctr = fields["path"].Split(':').Select(folder => Path.Join(folder, "ctr")).First(File.Exists);
        try
        {
            Fill(Path.Join(scratch, "images.tar"), One, 0, 1);
            for (int first = 0; first < Count; first += Batch)
            {
                Fill(Path.Join(scratch, "images.tar"), Many, first, Batch);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Its socket.</summary>
    public string Socket { get; }

    /// <summary>containerd's own client, of its version.</summary>
    public string Ctr { get; }

    /// <summary>Name and version.</summary>
    public string Title => "containerd " + new CommandLine(Ctr, ["--version"]).CaptureLine().Split(' ')[^1];

    /// <inheritdoc/>
    public void Dispose() => new CommandLine(Programs.Fixture, ["down", _folder]).Capture();

    private void Fill(string archive, string space, int first, int count)
    {
        using (FileStream file = File.Create(archive))
        {
            Write(file, first, count);
        }

        new CommandLine(Ctr, ["--address", Socket, "--namespace", space, "images", "import", "--no-unpack", archive]).Capture();
        File.Delete(archive);
    }

    private static void Write(Stream file, int first, int count)
    {
        using TarWriter tar = new(file, TarEntryFormat.Ustar);
        const string LayerType = "application/vnd.oci.image.layer.v1.tar";
        (string Digest, int Size) layer = Blob(Encoding.UTF8.GetBytes(new string('x', 4096)));
        StringBuilder manifests = new();
        for (int number = first; number < first + count; number++)
        {
            (string Digest, int Size) config = Blob(Encoding.UTF8.GetBytes(
                $$$"""{"created":"2024-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"Labels":{"number":"{{{number}}}"}},"rootfs":{"type":"layers","diff_ids":["{{{layer.Digest}}}"]}}"""));
            (string Digest, int Size) manifest = Blob(Encoding.UTF8.GetBytes(
                $$$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{{config.Digest}}}","size":{{{config.Size}}}},"layers":[{"mediaType":"{{{LayerType}}}","digest":"{{{layer.Digest}}}","size":{{{layer.Size}}}}]}"""));
            manifests.Append(
                $$$"""{{{(number > first ? "," : "")}}}{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{{manifest.Digest}}}","size":{{{manifest.Size}}},"annotations":{"io.containerd.image.name":"registry.test/team/image-{{{number:0000}}}:1.0"}}""");
        }

        Entry("oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray());
        Entry("index.json", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{manifests}}]}"""));

        (string Digest, int Size) Blob(byte[] bytes)
        {
            string hex = Convert.ToHexStringLower(SHA256.HashData(bytes));
            Entry("blobs/sha256/" + hex, bytes);
            return ("sha256:" + hex, bytes.Length);
        }

        void Entry(string name, byte[] bytes)
        {
            using MemoryStream data = new(bytes);
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = data });
        }
    }
}
