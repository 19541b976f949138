using System.Text.RegularExpressions;
using Xunit;

namespace OpenCloud.Build.Client.Tests;

/// <summary>The rooms of the source: a namespace is a folder, no two use each other, and none is too full to look around in.</summary>
public sealed partial class HouseTests
{
    private const int MostLines = 400;
    private const int MostFiles = 25;

    /// <summary>One file for each cmdlet.</summary>
    private static readonly string[] MayBeFull = ["OpenCloud.Build.Commands"];

    [Theory]
    [InlineData("OpenCloud.Build")]
    [InlineData("OpenCloud.Build.Client")]
    [InlineData("OpenCloud.Build.Definitions")]
    [InlineData("OpenCloud.Build.Host")]
    [InlineData("OpenCloud.Build.Linux")]
    public void NoRoomsUseEachOther(string project)
    {
        List<Source> sources = Read(project);
        HashSet<string> rooms = [.. sources.Select(static s => s.Room)];
        Dictionary<string, string[]> types = sources.GroupBy(static s => s.Room).ToDictionary(static g => g.Key, static g => g.SelectMany(static s => s.Types).ToArray());
        Dictionary<string, HashSet<string>> uses = rooms.ToDictionary(
            static r => r,
            r => sources.Where(s => s.Room == r).SelectMany(s => s.Usings.Where(rooms.Contains).Concat(Around(r).Where(rooms.Contains).Where(a => types[a].Any(s.Says)))).ToHashSet());
        foreach (string room in rooms)
        {
            List<string>? way = WayBack(uses, room);
            Assert.True(way is null, $"{project}: {string.Join(" uses ", way ?? [])}");
        }
    }

    [Theory]
    [InlineData("OpenCloud.Build")]
    [InlineData("OpenCloud.Build.Client")]
    [InlineData("OpenCloud.Build.Definitions")]
    [InlineData("OpenCloud.Build.Host")]
    public void ARoomIsAFolder_AndHasAnEnd(string project)
    {
        List<Source> sources = Read(project);
        Assert.All(sources, static s => Assert.Equal(s.Folder, s.Room));
        Assert.All(sources, static s => Assert.True(s.Lines <= MostLines, $"{s.Name} has {s.Lines} lines"));
        Assert.All(sources.GroupBy(static s => s.Room).Where(static g => !MayBeFull.Contains(g.Key)), static g => Assert.True(g.Count() <= MostFiles, $"{g.Key} has {g.Count()} files"));
    }

    /// <summary>What a user of the libraries has is enough for the module and the sample.</summary>
    [Theory]
    [InlineData("OpenCloud.Build.Client")]
    [InlineData("OpenCloud.Build.Host")]
    public void OnlyTestsAndToolsSeeInternals(string project)
    {
        string text = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "src", project, project + ".csproj"));
        Assert.Contains("Include=\"Microsoft.CodeAnalysis.PublicApiAnalyzers\"", text, StringComparison.Ordinal);
        Assert.All(
            Friend().Matches(text).Select(static m => m.Groups[1].Value),
            static f => Assert.True(f.EndsWith(".Tests", StringComparison.Ordinal) || f is "OpenCloud.Build.Bench" or "OpenCloud.Build.Fuzz" or "OpenCloud.Build.HostDriver" or "OpenCloud.Build.TestCmdlets", f));
    }

    private static IEnumerable<string> Around(string room)
    {
        for (int dot = room.LastIndexOf('.'); dot > 0; dot = room.LastIndexOf('.', dot - 1))
        {
            yield return room[..dot];
        }
    }

    /// <summary>The rooms that lead from one to itself; null where there are none.</summary>
    private static List<string>? WayBack(Dictionary<string, HashSet<string>> uses, string room)
    {
        Queue<List<string>> ways = new([[room]]);
        HashSet<string> seen = [];
        while (ways.TryDequeue(out List<string>? way))
        {
            foreach (string next in uses[way[^1]])
            {
                if (next == room)
                {
                    return [.. way, next];
                }

                if (seen.Add(next))
                {
                    ways.Enqueue([.. way, next]);
                }
            }
        }

        return null;
    }

    private static List<Source> Read(string project)
    {
        string folder = Path.Combine(RepositoryRoot.Path, "src", project);
        return
        [
            .. Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .Where(static f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
                .Select(f => new Source(f, Path.GetRelativePath(folder, f), project))
                .Where(static s => s.Room.Length > 0),
        ];
    }

    [GeneratedRegex("<InternalsVisibleTo Include=\"([^\"]*)\"")]
    private static partial Regex Friend();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"^(?:\w+ )*(?:class|record struct|record|struct|interface|enum) ([A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex Type();

    [GeneratedRegex("//[^\n]*")]
    private static partial Regex Comment();

    private sealed class Source
    {
        private readonly string _code;

        public Source(string file, string name, string project)
        {
            string text = File.ReadAllText(file);
            _code = Comment().Replace(text, string.Empty);
            Name = name;
            Lines = text.Count(static c => c == '\n');
            Room = Namespace().Match(text).Groups[1].Value;
            Usings = [.. Using().Matches(text).Select(static m => m.Groups[1].Value)];
            Types = [.. Type().Matches(text).Select(static m => m.Groups[1].Value)];
            string? folder = Path.GetDirectoryName(name);
            Folder = string.IsNullOrEmpty(folder) ? project : $"{project}.{folder.Replace('/', '.')}";
        }

        public string Name { get; }

        public int Lines { get; }

        public string Room { get; }

        public string Folder { get; }

        public string[] Usings { get; }

        public string[] Types { get; }

        /// <summary>Whether the code has a type's name, where it is none of a member.</summary>
        public bool Says(string type) => Regex.IsMatch(_code, $@"(?<![\w.]){type}\b");
    }
}
