using System.Xml.Linq;

namespace OpenCloud.Build.Help;

/// <summary>Puts cmdlets and their prose into the XML that Get-Help reads.</summary>
internal static class MamlWriter
{
    private static readonly XNamespace Root = "http://msh";
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    /// <summary>The help of all cmdlets.</summary>
    /// <param name="commands">The cmdlets and their prose.</param>
    /// <param name="address">Where the pages of docs/help are on the web, with a slash at the end; null where they are nowhere.</param>
    public static XDocument Build(IEnumerable<(CmdletModel Cmdlet, HelpSource Source)> commands, string? address) =>
        new(new XElement(Root + "helpItems", new XAttribute("schema", "maml"), commands.Select(c => Build(c.Cmdlet, c.Source, address))));

    private static XElement Build(CmdletModel cmdlet, HelpSource source, string? address)
    {
        List<(ParameterModel Model, IReadOnlyList<Block> Text, string? Default)> parameters =
            [.. cmdlet.Parameters.Select(p => (p, source.Parameter(p.Name), source.DefaultOf(p.Name)))];
        if (cmdlet.ShouldProcess)
        {
            parameters.Add((Common("WhatIf", "wi"), [new Block("Shows what would be done, and does not do it.", false)], null));
            parameters.Add((Common("Confirm", "cf"), [new Block("Asks before each change.", false)], null));
        }

        return new XElement(
            Command + "command",
            new XAttribute(XNamespace.Xmlns + "maml", Maml),
            new XAttribute(XNamespace.Xmlns + "command", Command),
            new XAttribute(XNamespace.Xmlns + "dev", Dev),
            new XElement(
                Command + "details",
                new XElement(Command + "name", cmdlet.Name),
                new XElement(Command + "verb", cmdlet.Verb),
                new XElement(Command + "noun", cmdlet.Noun),
                Description(source.Synopsis)),
            Description(source.Text("Description")),
            new XElement(Command + "syntax", cmdlet.Sets.Select(set => new XElement(
                Command + "syntaxItem",
                new XElement(Maml + "name", cmdlet.Name),
                parameters
                    .Select(p => (Parameter: p, InSet: p.Model.In(set)))
                    .Where(static p => p.InSet is not null)
                    .OrderBy(static p => p.InSet!.Position ?? int.MaxValue)
                    .ThenBy(static p => p.InSet!.Mandatory ? 0 : 1)
                    .Select(p => Parameter(p.Parameter, p.InSet!, isSyntax: true))))),
            new XElement(Command + "parameters", parameters.Select(p => Parameter(p, FirstSet(cmdlet, p.Model), isSyntax: false))),
            new XElement(Command + "inputTypes", source.Topics("Inputs").Select(static t => TypeText(Command + "inputType", t))),
            new XElement(Command + "returnValues", source.Topics("Outputs").Select(static t => TypeText(Command + "returnValue", t))),
            source.Text("Notes") is { Count: > 0 } notes
                ? new XElement(Maml + "alertSet", new XElement(Maml + "alert", notes.Select(Paragraph)))
                : null,
            new XElement(Command + "examples", source.Topics("Examples").Select(Example)),
            new XElement(Command + "relatedLinks", Links(cmdlet, source, address).Select(static l => new XElement(
                Maml + "navigationLink", new XElement(Maml + "linkText", l.Text), new XElement(Maml + "uri", l.Uri)))));
    }

    // Get-Help -Online opens the first link that has an address, so no other link may have one: it would open another project's page.
    private static IEnumerable<(string Text, string Uri)> Links(CmdletModel cmdlet, HelpSource source, string? address)
    {
        if (address is not null)
        {
            yield return ("Online version:", $"{address}{cmdlet.Name}.md");
        }

        foreach ((string text, string uri) in source.Links())
        {
            yield return (uri.Length == 0 ? text : $"{text}: {uri}", "");
        }
    }

    private static ParameterInSet FirstSet(CmdletModel cmdlet, ParameterModel parameter) =>
        cmdlet.Sets.Select(parameter.In).First(static s => s is not null)!;

    private static ParameterModel Common(string name, string alias) =>
        new(name, typeof(SwitchParameter), [alias], [], false, new Dictionary<string, ParameterInSet> { [CmdletModel.AllSets] = new(false, null, false, false) });

    private static XElement Parameter((ParameterModel Model, IReadOnlyList<Block> Text, string? Default) parameter, ParameterInSet inSet, bool isSyntax)
    {
        ParameterModel model = parameter.Model;
        XElement element = new(
            Command + "parameter",
            new XAttribute("required", inSet.Mandatory ? "true" : "false"),
            new XAttribute("variableLength", "true"),
            new XAttribute("globbing", model.Wildcards ? "true" : "false"),
            new XAttribute("pipelineInput", inSet.PipelineInput),
            new XAttribute("position", inSet.PositionText),
            new XAttribute("aliases", model.Aliases.Count == 0 ? "none" : string.Join(", ", model.Aliases)),
            new XElement(Maml + "name", model.Name),
            Description(parameter.Text));
        if (isSyntax && model.Values.Count > 0)
        {
            element.Add(new XElement(Command + "parameterValueGroup", model.Values.Select(static v => new XElement(
                Command + "parameterValue", new XAttribute("required", "false"), new XAttribute("variableLength", "false"), v))));
        }

        // A switch takes no value, and Get-Help writes one into the syntax where it finds one.
        if (!model.IsSwitch || !isSyntax)
        {
            element.Add(new XElement(
                Command + "parameterValue", new XAttribute("required", model.IsSwitch ? "false" : "true"), new XAttribute("variableLength", "false"), model.Type.Name));
        }

        element.Add(
            new XElement(Dev + "type", new XElement(Maml + "name", model.Type.Name), new XElement(Maml + "uri")),
            new XElement(Dev + "defaultValue", parameter.Default ?? (model.IsSwitch ? "False" : "None")));
        return element;
    }

    private static XElement Example(Topic topic, int index)
    {
        int code = topic.Blocks.ToList().FindIndex(static b => b.IsCode);
        return new XElement(
            Command + "example",
            new XElement(Maml + "title", $"Example {index + 1}: {topic.Title}"),
            new XElement(Maml + "introduction", topic.Blocks.Take(code).Select(Paragraph)),
            new XElement(Dev + "code", topic.Blocks[code].Text),
            new XElement(Dev + "remarks", topic.Blocks.Skip(code + 1).Select(Paragraph)));
    }

    private static XElement TypeText(XName name, Topic topic) =>
        new(name, new XElement(Dev + "type", new XElement(Maml + "name", topic.Title)), Description(topic.Blocks));

    private static XElement Description(IEnumerable<Block> blocks) => new(Maml + "description", blocks.Select(Paragraph));

    private static XElement Paragraph(Block block) => new(Maml + "para", block.Text);

    /// <summary>Stands for PowerShell's type of that name in the two parameters that ShouldProcess adds.</summary>
    private struct SwitchParameter;
}
