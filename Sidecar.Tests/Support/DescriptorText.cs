using Google.Protobuf.Reflection;

namespace Sidecar.Tests.Support;

/// <summary>Says what a compiled .proto file declares, in the short form of our specifications: <c>Name: 1 field type; 2 …</c>.</summary>
internal static class DescriptorText
{
    /// <summary>One line for each message of the files, nested ones by their whole name, sorted; without entries of maps.</summary>
    public static string[] Messages(params FileDescriptor[] files) =>
        [.. files.SelectMany(static file => file.MessageTypes).SelectMany(WithNested).Select(Line).Order(StringComparer.Ordinal)];

    /// <summary>One line for each enum of the files: <c>Name: 0 VALUE; 1 …</c>, sorted.</summary>
    public static string[] Enums(params FileDescriptor[] files) =>
    [
        .. files.SelectMany(static file => file.EnumTypes.Concat(file.MessageTypes.SelectMany(WithNested).SelectMany(message => message.EnumTypes)))
            .Select(static type => $"{NameIn(type.FullName, type.File)}: {string.Join("; ", type.Values.Select(value => $"{value.Number} {value.Name}"))}")
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) =>
        message.NestedTypes.Where(static nested => !IsMapEntry(nested)).SelectMany(WithNested).Prepend(message);

    private static string Line(MessageDescriptor message) =>
        $"{NameIn(message.FullName, message.File)}: {string.Join("; ", message.Fields.InFieldNumberOrder().Select(Field))}".TrimEnd();

    private static string Field(FieldDescriptor field) =>
        $"{field.FieldNumber} {field.Name} {Label(field)}{(field.IsMap ? Map(field.MessageType) : Type(field))}";

    private static string Label(FieldDescriptor field) => field switch
    {
        { IsMap: true } => "",
        { IsRepeated: true } => "repeated ",
        { RealContainingOneof: not null } => "oneof ",
        { ContainingOneof: not null } => "opt ",
        _ => "",
    };

    private static string Map(MessageDescriptor entry) => $"map<{Type(entry.FindFieldByNumber(1))},{Type(entry.FindFieldByNumber(2))}>";

    private static string Type(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => NameIn(field.MessageType.FullName, field.MessageType.File),
        FieldType.Enum => NameIn(field.EnumType.FullName, field.EnumType.File),
        FieldType.UInt32 => "u32",
        FieldType.UInt64 => "u64",
        var type => type.ToString().ToLowerInvariant(),
    };

    private static string NameIn(string fullName, FileDescriptor file) => fullName[(file.Package.Length + 1)..];

    private static bool IsMapEntry(MessageDescriptor message) => message.ToProto().Options?.MapEntry == true;
}
