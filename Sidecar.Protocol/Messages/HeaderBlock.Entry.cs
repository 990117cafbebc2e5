namespace Sidecar.Protocol.Messages;

/// <summary>The table of the fields, which lies in front of their bytes.</summary>
public sealed partial class HeaderBlock
{
    // Four words, because every exchange keeps a table of them. A value ends where the next field begins.
    private struct Entry(int start, int nameLength, bool hasValue, int nameHash, bool isFirst)
    {
        private const int Flag = int.MinValue;

        // With the flag: it has no value.
        private readonly int _nameLength = hasValue ? nameLength : nameLength | Flag;

        // The next field of the name, 0 for none, because no field follows itself. With the flag: it is not the first of its name.
        private int _next = isFirst ? 0 : Flag;

        internal readonly int Start => start;

        internal readonly int NameLength => _nameLength & ~Flag;

        internal readonly int ValueStart => start + NameLength;

        internal readonly bool HasValue => _nameLength >= 0;

        internal readonly int NameHash => nameHash;

        internal readonly bool IsFirst => _next >= 0;

        internal readonly int Next => (_next & ~Flag) is var next && next != 0 ? next : -1;

        internal void LinkTo(int next) => _next = (_next & Flag) | next;
    }
}
