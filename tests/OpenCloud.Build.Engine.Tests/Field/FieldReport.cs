using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>One report of the corpus: a folder below <c>tests/field</c> whose <c>report.json</c> has an input and the right value.</summary>
public sealed record FieldReport
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The folder's name.</summary>
    [JsonIgnore]
    public string Name { get; init; } = "";

    /// <summary>What is tried, in a sentence.</summary>
    public required string About { get; init; }

    /// <summary>The public reports it stands for, as <c>repository#number</c>.</summary>
    public IReadOnlyList<string> Reports { get; init; } = [];

    /// <summary>Files of the context, beside those in the report's own folder <c>context</c>.</summary>
    public IReadOnlyList<FieldFile> Files { get; init; } = [];

    /// <summary>A build, which needs an engine.</summary>
    public FieldBuild? Build { get; init; }

    /// <summary>Texts and what the library makes of them, which needs none.</summary>
    public FieldTexts? Texts { get; init; }

    /// <summary>The folder of all reports.</summary>
    public static string Root => Path.Combine(RepositoryRoot.Path, "tests", "field");

    /// <summary>The reports that are there, in the order of their names.</summary>
    public static IEnumerable<FieldReport> All() =>
        Directory.GetDirectories(Root).Order(StringComparer.Ordinal).Select(static folder => Read(Path.GetFileName(folder)));

    /// <summary>Reads one report.</summary>
    public static FieldReport Read(string name)
    {
        byte[] json = File.ReadAllBytes(Path.Combine(Root, name, "report.json"));
        return JsonSerializer.Deserialize<FieldReport>(json, Options)! with { Name = name };
    }

    /// <summary>Makes the context in a folder of its own.</summary>
    public async Task<ContextFolder> CreateContextAsync()
    {
        ContextFolder folder = Build?.Busybox == true ? await ContextFolder.CreateAsync("") : new ContextFolder();
        string given = Path.Combine(Root, Name, "context");
        foreach (string path in Directory.Exists(given) ? Directory.GetFiles(given, "*", SearchOption.AllDirectories) : [])
        {
            folder.Write(Path.GetRelativePath(given, path), File.ReadAllBytes(path));
        }

        foreach (FieldFile file in Files)
        {
            file.WriteTo(folder);
        }

        return folder;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A file of a context, or many alike. <c>{0}</c> in a path or a text stands for the number of the copy.</summary>
public sealed record FieldFile
{
    /// <summary>The path in the context.</summary>
    public required string Path { get; init; }

    /// <summary>What it holds.</summary>
    public string Text { get; init; } = "";

    /// <summary>What stands before the repeated text, once.</summary>
    public string Head { get; init; } = "";

    /// <summary>What stands after it, once.</summary>
    public string Tail { get; init; } = "";

    /// <summary>How often the text is repeated in the file.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>How many such files there are.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The bytes that it has at least: what the text does not fill is a hole.</summary>
    public long Size { get; init; }

    /// <summary>The mode, in octal digits.</summary>
    public string Mode { get; init; } = "644";

    /// <summary>Writes it into a context.</summary>
    public void WriteTo(ContextFolder folder)
    {
        for (int i = 0; i < Count; i++)
        {
            folder.Write(Number(Path, i), Content(i), Mode);
            if (Size > 0)
            {
                using FileStream file = new(folder.At(Number(Path, i)), FileMode.Open, FileAccess.Write);
                file.SetLength(Math.Max(Size, file.Length));
            }
        }
    }

    private string Content(int file)
    {
        return Head + (Repeat == 1 ? Number(Text, file) : string.Concat(Enumerable.Range(0, Repeat).Select(i => Number(Text, i)))) + Tail;
    }

    private static string Number(string text, int number) => text.Replace("{0}", number.ToString("00000"), StringComparison.Ordinal);
}
