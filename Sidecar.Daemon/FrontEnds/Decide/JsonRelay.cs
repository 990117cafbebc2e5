using System.Buffers;
using System.Buffers.Binary;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// Questions that a script asks one daemon and another can answer: they go there as they came, and the answer comes back as it is to be
/// sent.
/// </summary>
/// <remarks>
/// A question is one byte of form, u32be length of its text, the text, and the body that follows it in the binary form. An answer is the
/// HTTP status as u16be and the bytes; that of a completion has none.
/// </remarks>
internal sealed class JsonRelay(DecisionService decider, JsonListenerOptions options) : IRelayedFrontEnd
{
    private const int HeaderSize = 1 + sizeof(uint);

    /// <summary>What a question is and how it is answered.</summary>
    [Flags]
    public enum Form : byte
    {
        /// <summary>JSON, answered in JSON.</summary>
        Json = 0,

        /// <summary>Answered in the binary form.</summary>
        AnswersFrame = 1,

        /// <summary>The body follows the text.</summary>
        HasBody = 2,

        /// <summary>Tells how an exchange ended.</summary>
        Completes = 4,
    }

    /// <summary>A question to another daemon. Made before it is read here, for bodies are decoded in place.</summary>
    public static byte[] DecideRequest(ReceivedDecideRequest received, Form form)
    {
        form |= received.Body is null ? 0 : Form.HasBody;
        var text = received.Text.Span;
        var body = received.Body.GetValueOrDefault().Span;
        var question = new byte[HeaderSize + text.Length + body.Length];
        question[0] = (byte)form;
        BinaryPrimitives.WriteInt32BigEndian(question.AsSpan(1), text.Length);
        text.CopyTo(question.AsSpan(HeaderSize));
        body.CopyTo(question.AsSpan(HeaderSize + text.Length));
        return question;
    }

    /// <summary>What another daemon answered; null when it is no answer.</summary>
    public static Answer? Read(byte[]? answer) =>
        answer is { Length: > sizeof(ushort) }
            ? Answer.Of(BinaryPrimitives.ReadUInt16BigEndian(answer), answer.AsMemory(sizeof(ushort)))
            : null;

    public bool Knows(string key) => decider.Exchanges.Knows(key);

    public async ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question, TimeSpan budget, CancellationToken gone)
    {
        if (question.Length < HeaderSize || BinaryPrimitives.ReadInt32BigEndian(question.Span[1..]) is var length
            && (length < 0 || length > question.Length - HeaderSize))
        {
            return null;
        }

        var form = (Form)question.Span[0];

        // A copy of its own: reading it decodes in place.
        var (text, rest) = (question.Slice(HeaderSize, length).ToArray(), question[(HeaderSize + length)..].ToArray());
        try
        {
            if (form.HasFlag(Form.Completes))
            {
                var (tx, facts) = DecideRequestReader.ReadEnd(text);
                decider.Exchanges.Complete(tx, facts);
                return [];
            }

            var read = DecideRequestReader.Read(text, form.HasFlag(Form.HasBody) ? rest.AsMemory() : (ReadOnlyMemory<byte>?)null, options);

            // What is left there already has room for the way back.
            using var answer = await decider.DecideAsync(
                read with { Patience = budget / DecisionService.ShareOfPatience }, decider.Time.GetTimestamp(), gone).ConfigureAwait(false);
            return Bytes(answer, form);
        }
        catch (DecideRequestException e)
        {
            return Bytes(Answer.Of(e.Error), form);
        }
    }

    private byte[] Bytes(Answer answer, Form form)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        AnswerWriter.WriteWithin(output, answer, form.HasFlag(Form.AnswersFrame), options.MaxRefusalBytes);
        var bytes = new byte[sizeof(ushort) + output.WrittenCount];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)answer.Status);
        output.WrittenSpan.CopyTo(bytes.AsSpan(sizeof(ushort)));
        return bytes;
    }
}
