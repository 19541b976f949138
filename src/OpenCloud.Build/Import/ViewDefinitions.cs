using System.Globalization;
using System.Management.Automation;

namespace OpenCloud.Build.Import;

/// <summary>Reads a format file, as far as the module's own go.</summary>
internal static class ViewDefinitions
{
    public static List<ExtendedTypeDefinition> Read(string file)
    {
        List<ExtendedTypeDefinition> definitions = [];
        foreach (DefinitionElement view in DefinitionElement.Read(file).Get("ViewDefinitions").Children)
        {
            List<DefinitionElement> types = view.Get("ViewSelectedBy").Children;
            ExtendedTypeDefinition definition = new(types[0].Text, [new FormatViewDefinition(view.Get("Name").Text, ReadControl(view))]);
            for (int i = 1; i < types.Count; i++)
            {
                definition.TypeNames.Add(types[i].Text);
            }

            definitions.Add(definition);
        }

        return definitions;
    }

    private static PSControl ReadControl(DefinitionElement view)
    {
        bool isOutOfBand = false;
        DefinitionElement? group = null;
        PSControl? control = null;
        foreach (DefinitionElement element in view.Children)
        {
            switch (element.Name)
            {
                case "Name" or "ViewSelectedBy":
                    break;
                case "OutOfBand":
                    isOutOfBand = true;
                    break;
                case "GroupBy":
                    group = element;
                    break;
                case "TableControl":
                    control = ReadTable(element, group, isOutOfBand);
                    break;
                case "ListControl":
                    control = ReadList(element, group, isOutOfBand);
                    break;
                case "CustomControl" when group is null:
                    control = ReadCustom(element, isOutOfBand);
                    break;
                default:
                    throw element.Refuse();
            }
        }

        return control ?? throw view.Refuse();
    }

    private static TableControl ReadTable(DefinitionElement table, DefinitionElement? group, bool isOutOfBand)
    {
        TableControlBuilder builder = TableControl.Create(isOutOfBand, autoSize: false, hideTableHeaders: false);
        if (group?.FindText("ScriptBlock") is { } script)
        {
            builder.GroupByScriptBlock(script, ReadGroup(group), group.FindText("Label"));
        }
        else if (group is not null)
        {
            builder.GroupByProperty(group.Get("PropertyName").Text, ReadGroup(group), group.FindText("Label"));
        }

        foreach (DefinitionElement header in table.Get("TableHeaders").Children)
        {
            int width = header.FindText("Width") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
            builder.AddHeader(ReadAlignment(header), width, header.FindText("Label"));
        }

        foreach (DefinitionElement row in table.Get("TableRowEntries").Children)
        {
            TableRowDefinitionBuilder columns = builder.StartRowDefinition(row.Find("Wrap") is not null, null, null);
            foreach (DefinitionElement column in row.Get("TableColumnItems").Children)
            {
                if (column.FindText("ScriptBlock") is { } value)
                {
                    columns.AddScriptBlockColumn(value, ReadAlignment(column), null);
                }
                else
                {
                    columns.AddPropertyColumn(column.Get("PropertyName").Text, ReadAlignment(column), null);
                }
            }

            columns.EndRowDefinition();
        }

        return builder.EndTable();
    }

    private static ListControl ReadList(DefinitionElement list, DefinitionElement? group, bool isOutOfBand)
    {
        ListControlBuilder builder = ListControl.Create(isOutOfBand);
        if (group?.FindText("ScriptBlock") is { } script)
        {
            builder.GroupByScriptBlock(script, ReadGroup(group), group.FindText("Label"));
        }
        else if (group is not null)
        {
            builder.GroupByProperty(group.Get("PropertyName").Text, ReadGroup(group), group.FindText("Label"));
        }

        foreach (DefinitionElement entry in list.Get("ListEntries").Children)
        {
            ListEntryBuilder items = builder.StartEntry(null, null);
            foreach (DefinitionElement item in entry.Get("ListItems").Children)
            {
                if (item.FindText("ScriptBlock") is { } value)
                {
                    items.AddItemScriptBlock(value, item.FindText("Label"), null);
                }
                else
                {
                    items.AddItemProperty(item.Get("PropertyName").Text, item.FindText("Label"), null);
                }
            }

            items.EndEntry();
        }

        return builder.EndList();
    }

    private static CustomControl? ReadGroup(DefinitionElement group) => group.Find("CustomControl") is { } control ? ReadCustom(control, isOutOfBand: false) : null;

    private static CustomControl ReadCustom(DefinitionElement control, bool isOutOfBand)
    {
        CustomControlBuilder builder = CustomControl.Create(isOutOfBand);
        foreach (DefinitionElement entry in control.Get("CustomEntries").Children)
        {
            CustomEntryBuilder items = builder.StartEntry(null, null);
            foreach (DefinitionElement item in entry.Get("CustomItem").Children)
            {
                switch (item.Name)
                {
                    case "Text":
                        items.AddText(item.Text);
                        break;
                    case "NewLine":
                        items.AddNewline(1);
                        break;
                    case "ExpressionBinding":
                        items.AddScriptBlockExpressionBinding(item.Get("ScriptBlock").Text, false, null, null, null);
                        break;
                    default:
                        throw item.Refuse();
                }
            }

            items.EndEntry();
        }

        return builder.EndControl();
    }

    private static Alignment ReadAlignment(DefinitionElement column) => column.FindText("Alignment") switch
    {
        null => Alignment.Undefined,
        "Left" => Alignment.Left,
        "Right" => Alignment.Right,
        "Center" => Alignment.Center,
        _ => throw column.Refuse(),
    };
}
