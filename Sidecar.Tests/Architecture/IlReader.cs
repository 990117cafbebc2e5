using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Sidecar.Tests.Architecture;

/// <summary>Walks the instructions of a method body and finds the metadata tokens in them (ECMA-335, partition III).</summary>
internal static class IlReader
{
    private const byte TwoBytePrefix = 0xFE;

    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value, code => code.OperandType);

    /// <summary>Every type, field, method and signature that the instructions name, in order and with repeats.</summary>
    /// <exception cref="BadImageFormatException">A byte is no instruction: this walk lost its step, or the body is broken.</exception>
    public static List<EntityHandle> Tokens(ReadOnlySpan<byte> il)
    {
        var tokens = new List<EntityHandle>();
        for (var at = 0; at < il.Length;)
        {
            int code = il[at++];
            if (code == TwoBytePrefix)
            {
                code = (code << 8) | il[at++];
            }

            if (!Operands.TryGetValue(code, out var operand))
            {
                throw new BadImageFormatException($"Instruction 0x{code:X} before offset {at} is unknown.");
            }

            if (operand is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType
                or OperandType.InlineSig)
            {
                tokens.Add(MetadataTokens.EntityHandle(BinaryPrimitives.ReadInt32LittleEndian(il[at..])));
            }

            at += Size(operand, il[at..]);
        }

        return tokens;
    }

    private static int Size(OperandType operand, ReadOnlySpan<byte> rest) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(rest)),
        _ => 4,
    };
}
