using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Text;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Tree;

public class WalkVectorTests(ITestOutputHelper output)
{
    [Fact]
    public void Filtered_walks_agree_with_fsutil()
    {
        using TemporaryDirectory directory = new();
        foreach (string line in Vector.Lines("tree.txt"))
        {
            string[] columns = line.Split('\t');
            byte[] path = Convert.FromHexString(columns[0]);
            byte[] target = columns.Length > 2 ? Convert.FromHexString(columns[2]) : [];
            switch (columns[1])
            {
                case "d":
                    directory.Folder(path);
                    break;
                case "f":
                    directory.File(path, "content"u8.ToArray());
                    break;
                case "h":
                    directory.HardLink(path, target);
                    break;
                default:
                    directory.Link(path, target);
                    break;
            }
        }

        List<byte[]> all = [];
        int walks = 0;
        StringBuilder wrong = new();
        foreach (string line in Vector.Lines("walks.txt"))
        {
            if (all.Count == 0)
            {
                all = Vector.Paths(line);
                continue;
            }

            string[] columns = line.Split('\t');
            string actual = Walk(directory.Path, all, columns);
            walks++;
            if (actual != columns[3])
            {
                string patterns = string.Join(" | ", columns[..3].Select(c => string.Join(" , ", Vector.Paths(c).Select(p => Utf8.Display(p)))));
                wrong.AppendLine($"{patterns}\n  expected {columns[3]}\n  actual   {actual}");
            }
        }

        output.WriteLine($"{walks} walks");
        Assert.True(wrong.Length == 0, wrong.ToString(0, Math.Min(wrong.Length, 4000)));
        Assert.True(walks >= 500);
    }

    private static string Walk(string root, List<byte[]> all, string[] columns)
    {
        List<KeyValuePair<string, string>> metadata = new();
        Add("include-patterns", columns[0]);
        Add("exclude-patterns", columns[1]);
        Add("followpaths", columns[2]);
        try
        {
            using DirectoryTree tree = new(root);
            using TreeWalker walker = new(tree, RequestFilter.Create(FileSyncRequest.Parse(metadata), tree));
            List<string> sent = new();
            while (walker.MoveNext())
            {
                string entry = IndexOf(walker.Path).ToString();
                sent.Add(walker.Entry.LinkName.IsEmpty || walker.Entry.IsSymlink
                    ? entry
                    : $"{entry}={IndexOf(walker.Entry.LinkName.Span)}");
            }

            return string.Join(' ', sent);
        }
        catch (ContextException)
        {
            return "E";
        }

        void Add(string key, string hex)
        {
            List<byte[]> values = Vector.Paths(hex);
            if (values.Count > 0)
            {
                metadata.Add(new(key + "-encoded", "1"));
                metadata.AddRange(values.Select(v => new KeyValuePair<string, string>(
                    key, string.Concat(v.Select(b => $"%{b:X2}")))));
            }
        }

        int IndexOf(ReadOnlySpan<byte> path)
        {
            for (int i = 0; i < all.Count; i++)
            {
                if (path.SequenceEqual(all[i]))
                {
                    return i;
                }
            }

            return -1;
        }
    }
}
