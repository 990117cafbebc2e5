using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Reads one value.</summary>
internal delegate T ReadValue<TReader, out T>(ref TReader reader)
    where TReader : struct, IValueReader, allows ref struct;

/// <summary>Reads a member into the variable that is to hold it, whose type says what may come.</summary>
/// <remarks>Each returns true, so that one switch expression can read all members of a struct.</remarks>
internal static class MemberReading
{
    extension<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        /// <summary>Takes a value that was read in a way of its own.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        [SuppressMessage("Performance", "CA1822", Justification = "It is called as the others are.")]
        internal bool Into<T>([NotNullIfNotNull(nameof(value))] out T target, T value)
        {
            target = value;
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into([NotNull] ref string? target)
        {
            target = r.ReadString();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref CorrelationId target)
        {
            target = r.ReadCorrelationId();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref CorrelationId? target)
        {
            target = r.ReadCorrelationId();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref bool target)
        {
            target = r.ReadBoolean();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref bool? target)
        {
            target = r.ReadBoolean();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref ushort target)
        {
            target = r.ReadUInt16();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref ushort? target)
        {
            target = r.ReadUInt16();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref uint target)
        {
            target = r.ReadUInt32();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref uint? target)
        {
            target = r.ReadUInt32();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref ulong target)
        {
            target = r.ReadUInt64();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref ulong? target)
        {
            target = r.ReadUInt64();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref float? target)
        {
            target = (float)r.ReadDouble();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref double target)
        {
            target = r.ReadDouble();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref double? target)
        {
            target = r.ReadDouble();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref JsonElement? target)
        {
            target = r.ReadJson();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref ReadOnlyMemory<byte> target)
        {
            target = r.ReadBytes();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref ReadOnlyMemory<byte>? target)
        {
            target = r.ReadBytes();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into([NotNull] ref HeaderBlock? target)
        {
            target = r.ReadHeaders();
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Into(ref IReadOnlyList<string> target)
        {
            target = r.ReadStrings();
            return true;
        }

        internal IReadOnlyList<string> ReadStrings() => r.ReadList(static (ref TReader item) => item.ReadString());

        internal IReadOnlyList<T> ReadList<T>(ReadValue<TReader, T> read)
        {
            List<T>? items = null;
            for (var scope = r.BeginArray(); r.NextItem(ref scope);)
            {
                (items ??= []).Add(read(ref r));
            }

            return items is null ? Array.Empty<T>() : items;
        }
    }
}
