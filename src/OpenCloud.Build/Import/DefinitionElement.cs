using System.Xml;

namespace OpenCloud.Build.Import;

/// <summary>An element of a types or format file.</summary>
internal sealed class DefinitionElement(string name)
{
    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        IgnoreWhitespace = true,
    };

    public string Name { get; } = name;

    public string Text { get; private set; } = string.Empty;

    public List<DefinitionElement> Children { get; } = [];

    /// <summary>The root element of a file.</summary>
    public static DefinitionElement Read(string file)
    {
        using FileStream stream = File.OpenRead(file);
        using XmlReader reader = XmlReader.Create(stream, Settings);
        reader.MoveToContent();
        return Read(reader);
    }

    public DefinitionElement? Find(string name)
    {
        foreach (DefinitionElement child in Children)
        {
            if (child.Name == name)
            {
                return child;
            }
        }

        return null;
    }

    public DefinitionElement Get(string name) => Find(name) ?? throw Refusal($"an element '{Name}' without '{name}'");

    /// <summary>The text of a child; null if there is none.</summary>
    public string? FindText(string name) => Find(name)?.Text;

    /// <summary>An element that the files do not use so far. Who adds it to them adds it to the readers.</summary>
    public NotSupportedException Refuse() => Refusal($"an element '{Name}'");

    private static NotSupportedException Refusal(string what) => new($"The module's definitions have {what} that is not supported.");

    private static DefinitionElement Read(XmlReader reader)
    {
        DefinitionElement element = new(reader.LocalName);
        if (reader.HasAttributes)
        {
            throw Refusal($"attributes of '{element.Name}'");
        }

        bool isEmpty = reader.IsEmptyElement;
        reader.Read();
        while (!isEmpty && reader.NodeType != XmlNodeType.EndElement)
        {
            if (reader.NodeType == XmlNodeType.Element)
            {
                element.Children.Add(Read(reader));
            }
            else
            {
                element.Text += reader.Value;
                reader.Read();
            }
        }

        if (!isEmpty)
        {
            reader.Read();
        }

        return element;
    }
}
