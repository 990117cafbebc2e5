using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>
/// The page for an answer whose agent gave no body. It names the status and nothing else. Safe for any number of threads.
/// </summary>
internal static class DefaultPage
{
    /// <summary>The content type of the page.</summary>
    public const string ContentType = "text/html; charset=utf-8";

    private static readonly CompositeFormat Html = CompositeFormat.Parse(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} {1}</title></head><body><h1>{0} "
        + "{1}</h1></body></html>\n");

    // One page per status, so it holds 400 at most.
    private static readonly ConcurrentDictionary<int, byte[]> Pages = new();

    /// <summary>The page.</summary>
    /// <param name="status">HTTP status, 200 to 599.</param>
    public static ReadOnlyMemory<byte> For(int status)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 200);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        return Pages.GetOrAdd(
            status, static code => Encoding.UTF8.GetBytes(string.Format(CultureInfo.InvariantCulture, Html, code, TextOf(code))));
    }

    /// <summary>What the page says, in one line.</summary>
    public static string LineOf(int status) => $"{status} {TextOf(status)}";

    // RFC 9110 §15; of the rest what agents use. A status without a text of its own is named by its class.
    private static string TextOf(int status) => status switch
    {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        < 300 => "Success",
        < 400 => "Redirection",
        < 500 => "Request Refused",
        _ => "Server Error",
    };
}
