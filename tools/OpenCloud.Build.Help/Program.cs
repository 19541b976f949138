using System.Reflection;
using System.Runtime.Loader;

namespace OpenCloud.Build.Help;

/// <summary>
/// Writes the module's cmdlet help (MAML). What the cmdlets' attributes say (syntax, types, positions, pipeline binding, aliases)
/// is read from the assembly and so cannot be wrong; the prose comes from one Markdown file a cmdlet, docs/help/Verb-Noun.md.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [string assemblyPath, string sourceFolder, string outputPath, .. { Length: <= 1 } address])
        {
            Console.Error.WriteLine("usage: OpenCloud.Build.Help <assembly> <folder of Verb-Noun.md> <output.xml> [<address of the folder>]");
            return 2;
        }

        AssemblyLoadContext.Default.Resolving += (context, name) =>
        {
            string path = Path.Join(Path.GetDirectoryName(Path.GetFullPath(assemblyPath)), name.Name + ".dll");
            return File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
        };

        Assembly assembly = AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.GetFullPath(assemblyPath));
        List<CmdletModel> cmdlets = [.. CmdletModel.ReadAll(assembly).OrderBy(static c => c.Name, StringComparer.Ordinal)];
        List<(CmdletModel, HelpSource)> documented = [];
        int errors = 0;

        void Fail(string file, string message)
        {
            // The form that MSBuild turns into an error of its own.
            Console.WriteLine($"{file}: error HELP001: {message}");
            errors++;
        }

        foreach (CmdletModel cmdlet in cmdlets)
        {
            string file = Path.Join(sourceFolder, cmdlet.Name + ".md");
            if (!File.Exists(file))
            {
                Fail(file, $"{cmdlet.Name} has no help: write this file (docs/help/README.md has its form)");
                continue;
            }

            HelpSource source;
            try
            {
                source = HelpSource.Parse(File.ReadAllText(file));
            }
            catch (FormatException exception)
            {
                Fail(file, exception.Message);
                continue;
            }

            foreach (string problem in source.Check(cmdlet))
            {
                Fail(file, problem);
            }

            documented.Add((cmdlet, source));
        }

        foreach (string file in Directory.GetFiles(sourceFolder, "*-*.md"))
        {
            if (!cmdlets.Exists(c => c.Name == Path.GetFileNameWithoutExtension(file)))
            {
                Fail(file, "the module has no cmdlet of this name");
            }
        }

        if (errors > 0)
        {
            return 1;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(outputPath))!);
        string temporary = outputPath + ".new";
        MamlWriter.Build(documented, address is [{ Length: > 0 } given] ? given : null).Save(temporary);
        File.Move(temporary, outputPath, overwrite: true);
        return 0;
    }
}
