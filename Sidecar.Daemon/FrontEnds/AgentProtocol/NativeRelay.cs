using System.Buffers;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AgentProtocol;

/// <summary>Events that come to one daemon and belong to an exchange of another: they go there, and the answer comes back.</summary>
/// <remarks>A question is the type of the event and its payload in MessagePack; an answer is the payload of one.</remarks>
internal sealed class NativeRelay(
    ExchangeDirectory<NativeExchange> directory, Func<AgentEvent, TimeSpan, CancellationToken, ValueTask<AgentResponse>> answer)
    : IRelayedFrontEnd
{
    private static readonly MessageEncoding Encoding = MessageEncodings.MessagePack;

    /// <summary>Asks the other daemons about an event; null when none knows its exchange.</summary>
    public static async ValueTask<AgentResponse?> AskAsync(IExchangeRelay relay, AgentEvent message, long deadline, CancellationToken gone)
    {
        var question = new ArrayBufferWriter<byte>();
        question.Write([(byte)message.Type]);
        Encoding.WriteEvent(question, message);
        var key = message.CorrelationId.ToString();
        try
        {
            return await relay.AskAsync(key, question.WrittenMemory, deadline, gone).ConfigureAwait(false) is { } said
                ? Encoding.ReadResponse(said).Response
                : null;
        }
        catch (ProtocolException)
        {
            return null;
        }
    }

    public bool Knows(string key) => directory.Find(CorrelationId.Parse(key)) is not null || directory.HasEnded(CorrelationId.Parse(key));

    public async ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question, TimeSpan budget, CancellationToken gone)
    {
        if (question.IsEmpty)
        {
            return null;
        }

        AgentEvent message;
        try
        {
            message = Encoding.ReadEvent((MessageType)question.Span[0], question[1..]);
        }
        catch (ProtocolException)
        {
            return null;
        }

        var id = message.CorrelationId;
        var output = new ArrayBufferWriter<byte>();
        Encoding.WriteResponse(output, id, await answer(message, budget, gone).ConfigureAwait(false));
        return output.WrittenSpan.ToArray();
    }
}
