/** Who asks: a token, or, where the gateway trusts its callers, the ids alone. */
export interface Credentials {
    token?: string;
    userId?: string;
    tenantId?: string;
    role?: string;
    /** When they expire, in milliseconds since 1970. Default: the token's `exp`; without either they are never refreshed. */
    expiresAt?: number;
}
/** When the credentials expire, in milliseconds since 1970; undefined: nobody says. The token is read, not verified: that is the gateway's part. */
export declare function expiryOf(credentials: Credentials): number | undefined;
