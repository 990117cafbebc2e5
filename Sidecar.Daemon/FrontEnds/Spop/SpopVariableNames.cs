namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// The variables that an answer sets, all in the scope <c>txn</c> behind HAProxy's <c>var-prefix</c>. A contract with every configuration.
/// </summary>
internal static class SpopVariableNames
{
    /// <summary>
    /// On every answer about a request: <c>allow</c>, <c>block</c>, <c>redirect</c>, <c>challenge</c> or <c>failed-closed</c>.
    /// </summary>
    public static ReadOnlySpan<byte> Action => "act"u8;

    /// <summary>The same on every answer about a response.</summary>
    public static ReadOnlySpan<byte> ResponseAction => "ract"u8;

    /// <summary>Our id of the exchange.</summary>
    public static ReadOnlySpan<byte> Id => "id"u8;

    /// <summary>Why an agent was not heard.</summary>
    public static ReadOnlySpan<byte> Cause => "cause"u8;

    /// <summary>True when the response is to be asked about.</summary>
    public static ReadOnlySpan<byte> Response => "res"u8;

    /// <summary>True when an agent wants the response's body, too.</summary>
    public static ReadOnlySpan<byte> ResponseBody => "resb"u8;

    /// <summary>Status of the reply.</summary>
    public static ReadOnlySpan<byte> Status => "status"u8;

    /// <summary>Body of the reply.</summary>
    public static ReadOnlySpan<byte> Body => "body"u8;

    /// <summary>Content type of the reply.</summary>
    public static ReadOnlySpan<byte> ContentType => "ctype"u8;

    /// <summary>Location of the reply.</summary>
    public static ReadOnlySpan<byte> Location => "loc"u8;

    /// <summary>WWW-Authenticate of the reply.</summary>
    public static ReadOnlySpan<byte> Challenge => "chal"u8;

    /// <summary>All other headers of the reply, as a list.</summary>
    public static ReadOnlySpan<byte> ReplyHeaders => "hdrs"u8;

    /// <summary>What the agents said, one line of JSON.</summary>
    public static ReadOnlySpan<byte> Audit => "audit"u8;

    /// <summary>Lists of request headers.</summary>
    public static EditLists Request => new("rq_del"u8, "rq_set"u8, "rq_add"u8);

    public static EditLists ResponseHeaders => new("rs_del"u8, "rs_set"u8, "rs_add"u8);

    /// <summary>The value of a request header, before its name.</summary>
    public const string RequestValuePrefix = "rqh_";

    /// <summary>The removal of a request header, before its name.</summary>
    public const string RequestRemovalPrefix = "rqd_";

    /// <summary>The value of a response header, before its name.</summary>
    public const string ResponseValuePrefix = "rsh_";

    /// <summary>The removal of a response header, before its name.</summary>
    public const string ResponseRemovalPrefix = "rsd_";
}

/// <summary>The three lists that change the headers of one message, in the order in which they are to be applied.</summary>
internal readonly ref struct EditLists(ReadOnlySpan<byte> delete, ReadOnlySpan<byte> set, ReadOnlySpan<byte> add)
{
    /// <summary>Names to remove.</summary>
    public ReadOnlySpan<byte> Delete { get; } = delete;

    /// <summary>Fields that replace all of their name; each name once.</summary>
    public ReadOnlySpan<byte> Set { get; } = set;

    /// <summary>Fields to add.</summary>
    public ReadOnlySpan<byte> Add { get; } = add;
}
