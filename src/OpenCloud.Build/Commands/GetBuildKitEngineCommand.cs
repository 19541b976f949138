using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Lists registered engines.</summary>
[Cmdlet(VerbsCommon.Get, "BuildKitEngine")]
[OutputType(typeof(BuildKitEngine))]
public sealed class GetBuildKitEngineCommand : BuildCmdlet
{
    /// <summary>Names; wildcards are allowed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [TextTransform("Name")]
    [ArgumentCompleter(typeof(EngineNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Labels that the engines have.</summary>
    [Parameter]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(EngineLabelCompleter))]
    public IDictionary? Label { get; set; }

    /// <summary>Returns the default engine.</summary>
    [Parameter]
    public SwitchParameter Default { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        IReadOnlyList<BuildKitEngine> engines = new NamedEngineStore().Read();
        List<WildcardPattern> patterns = [.. Name.Select(static n => WildcardPattern.Get(n, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant))];
        foreach (BuildKitEngine engine in engines)
        {
            if ((patterns.Count == 0 || patterns.Exists(p => p.IsMatch(engine.Name))) && (!Default || engine.IsDefault) && HasLabels(engine))
            {
                WriteObject(engine);
            }
        }

        foreach (string name in Name)
        {
            // Without a wildcard, or where no name could match, as with the name of a build step.
            bool mayMatch = WildcardPattern.ContainsWildcardCharacters(name) && !name.Contains(' ', StringComparison.Ordinal) && !name.Contains('/', StringComparison.Ordinal);
            if (!mayMatch && !engines.Any(e => e.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            {
                WriteError(ErrorCatalog.EngineNotRegistered, name, null, name);
            }
        }
    });

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        NamedEngineException failure => NamedEngineErrors.From(failure, target).ToRecord(),
        _ => base.ToRecord(exception, target),
    };

    // A label without a value: the engine has it, whatever its value is.
    private bool HasLabels(BuildKitEngine engine)
    {
        foreach (DictionaryEntry wanted in Label ?? new Hashtable())
        {
            if (!engine.Labels.TryGetValue(wanted.Key.ToString() ?? "", out string? value) || (wanted.Value is { } given && value != LanguagePrimitives.ConvertTo<string>(given)))
            {
                return false;
            }
        }

        return true;
    }
}
